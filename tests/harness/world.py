# SPDX-License-Identifier: Apache-2.0
"""A whole Postern on the testing ground: posternd on the internet, postern-gateway in a site with "wiki" and
"payroll", postern on a laptop, set up through posternctl and the REST API as an administrator would do it."""
import json
import secrets

from .ground import PAYROLL, SERVER, SITE_WAN, WIKI, WIREGUARD_PORT, Ground
from .resources import PAYROLL_PORT, WIKI_PORT, Payroll, Wiki
from .run import binary, wait_for
from .server import ADMIN, Posternd

PERSON = "ana@example.org"


class World:
    """say: called with one line per step, for ./dev up. settings: environment of posternd; agents: of gateway and client."""

    def __init__(self, run, laptop_nat="easy", site_nat="easy", say=lambda text: None, settings=None, agents=None):
        self.run, self.say, self.agents = run, say, agents or {}
        say("building the network")
        self.ground = Ground(run, laptop_nat, site_nat)
        say("starting posternd with a private PostgreSQL")
        self.server = Posternd(run, self.ground.server, SERVER, settings=settings).start()
        say("starting wiki and payroll")
        self.wiki = Wiki(self.ground.wiki)
        self.payroll = Payroll(run, self.ground.payroll)

    def everything(self):
        self.set_up()
        self.start_gateway()
        self.start_laptop()
        return self

    # The administrator, on a machine of the internet segment.

    def ctl(self, *args, check=True, input=None):
        """posternctl as the administrator runs it."""
        home = self.run.dir / "admin"
        home.mkdir(mode=0o700, exist_ok=True)
        return self.ground.internet.call(binary("posternctl"), *args, check=check, input=input,
                                         env={"HOME": str(home), "XDG_CONFIG_HOME": str(home), "NO_COLOR": "1"})

    def secret_file(self, name, text):
        """Secrets reach programs in files, never as arguments."""
        path = self.run.dir / name
        path.touch(mode=0o600)
        path.write_text(text)
        return path

    def create(self, kind, **fields):
        args = [f"{k}={v}" for k, v in fields.items()]
        return json.loads(self.ctl("create", kind, *args, "-o", "json").stdout)

    def set_up(self):
        """The organisation: half through posternctl, half through the REST API, so that both are shown."""
        self.say("setting the organisation up")
        self.ctl("login", self.server.url, "--setup", self.secret_file("setup", self.server.setup_token),
                 "--email", ADMIN["email"], "--name", ADMIN["name"],
                 "--password-file", self.secret_file("admin-password", ADMIN["password"]))
        site = self.create("site", name="berlin")
        self.gateway = self.create("gateway", name="gw-1", site_id=site["id"], endpoint=f"{SITE_WAN}:{WIREGUARD_PORT}")
        self.admin = self.server.sign_in()
        self.admin.host = self.ground.internet
        create = self.admin.create
        self.resources = {
            "wiki": create("/api/v1/resources", name="wiki", site_id=site["id"], addresses=[WIKI],
                           ports=[{"protocol": "tcp", "first": WIKI_PORT}]),
            "payroll": create("/api/v1/resources", name="payroll", site_id=site["id"], addresses=[PAYROLL],
                              ports=[{"protocol": "tcp", "first": PAYROLL_PORT}])}
        self.group = create("/api/v1/groups", name="engineering")
        self.policy = create("/api/v1/policies", name="engineering reads the wiki", effect="permit",
                             group_id=self.group["id"], resource_id=self.resources["wiki"]["id"])

    def set_policy(self, enabled):
        """The answer of the API, with the time at which it had arrived."""
        return self.admin.patch(f"/api/v1/policies/{self.policy['id']}", {"enabled": enabled}).expect(200)

    # The site.

    def start_gateway(self):
        self.say("enrolling and starting postern-gateway")
        enrolment = self.ctl("gateway", "token", "gw-1").stdout.strip()
        self.ground.gateway.call(binary("postern-gateway"), "enroll", "--token-file", self.secret_file("enrolment", enrolment))
        self.restart_gateway()

    def restart_gateway(self, env=None):
        """env: more environment, for this start only."""
        self.gateway_process = self.ground.gateway.start("postern-gateway", [binary("postern-gateway"), "run"],
                                                         env={**self.agents, **(env or {})})
        wait_for(lambda: f"the gateway is online:\n{self.gateway_process.text()[-3000:]}", self.gateway_online)

    def gateway_online(self):
        return self.admin.get(f"/api/v1/gateways/{self.gateway['id']}").expect(200).json["online"]

    def gateway_sessions(self):
        """Connections and how many grants are open for each, as the gateway tells."""
        return json.loads(self.ground.gateway.call(binary("postern-gateway"), "sessions", "-o", "json").stdout)

    def refused(self):
        """Packets that the gateway has refused so far, as its kernel counts them."""
        rules = json.loads(self.ground.gateway.call("nft", "-j", "list", "counters").stdout)["nftables"]
        return sum(r["counter"]["packets"] for r in rules if r.get("counter", {}).get("name") == "refused")

    # The people.

    def add_person(self, email, name):
        """A member of the group engineering; their password."""
        password = secrets.token_urlsafe(12)
        person = self.admin.create("/api/v1/people", email=email, name=name)
        self.admin.post(f"/api/v1/people/{person['id']}/password", {"password": password}).expect(200, 204)
        self.admin.create("/api/v1/memberships", group_id=self.group["id"], person_id=person["id"])
        return password

    def start_laptop(self):
        self.say(f"starting postern on the laptop and signing {PERSON} in")
        self.laptop = Laptop(self, self.ground.laptop, PERSON, self.add_person(PERSON, "Ana"))


class Laptop:
    """A host with the postern daemon on which a person is signed in."""

    def __init__(self, world, host, email, password):
        self.world, self.host, self.email = world, host, email
        self.start()
        self.postern("login", world.server.url, "--email", email,
                     "--password-file", world.secret_file(f"password-{host.name}", password))
        self.postern("up")

    def start(self, env=None):
        self.process = self.host.start("postern", [binary("postern"), "daemon"], env={**self.world.agents, **(env or {})})
        wait_for("postern's daemon answers", lambda: self.postern("status", check=False).returncode in (0, 5))

    def postern(self, *args, check=True, timeout=60):
        return self.host.call(binary("postern"), *args, check=check, timeout=timeout)

    @property
    def interface(self):
        """Name of the tunnel's interface."""
        return self.host.call("wg", "show", "interfaces").stdout.split()[0]

    @property
    def inner(self):
        """Its IPv4 address in the tunnel."""
        out = json.loads(self.host.call("ip", "-j", "-4", "addr", "show", "dev", self.interface).stdout)
        return out[0]["addr_info"][0]["local"]

    def fetch(self, timeout=10):
        """What an ordinary client gets from the wiki: (HTTP status, bytes), or None when it cannot connect."""
        out = self.host.call("curl", "-sS", "-o", "/dev/null", "-m", timeout, "-w", "%{http_code} %{size_download}",
                             self.world.wiki.url, check=False, timeout=timeout + 20)
        if out.returncode:
            return None
        status, size = out.stdout.split()
        return int(status), int(size)

    def state(self):
        """For the message of a failed test."""
        return self.postern("status", check=False).stdout + self.process.text()[-2000:]
