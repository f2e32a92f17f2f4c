# SPDX-License-Identifier: Apache-2.0
"""A site, a gateway, resources and a person with a policy, set up over REST: where tests of the agent API begin."""
import uuid

from .agent import Client, Gateway

PASSWORD = "a long enough password"


def unique(prefix):
    return f"{prefix} {uuid.uuid4().hex[:12]}"


class Access:
    """A site with a gateway and two resources; a person in a group that may reach the first."""

    def __init__(self, posternd, admin):
        self.posternd, self.admin = posternd, admin
        self.site = admin.create("/api/v1/sites", name=unique("site"))["id"]
        self.group = admin.create("/api/v1/groups", name=unique("group"))["id"]
        self.wiki = self.resource("10.1.0.1", 443)
        self.payroll = self.resource("10.1.0.2", 5432)
        self.policy = self.permit(self.wiki)
        self.gateway_id, self.gateway = self.new_gateway()
        self.person = self.new_person()
        self.membership = admin.create("/api/v1/memberships", group_id=self.group, person_id=self.person["id"])["id"]

    def new_person(self):
        person = self.admin.create("/api/v1/people", email=f"{uuid.uuid4().hex[:12]}@example.org", name="Some One")
        self.admin.post(f"/api/v1/people/{person['id']}/password", {"password": PASSWORD}).expect(204)
        return person

    def resource(self, address, port, **more):
        return self.admin.create("/api/v1/resources", name=unique("resource"), site_id=self.site, addresses=[address],
                                 ports=[{"protocol": "tcp", "first": port}], **more)["id"]

    def permit(self, resource, effect="permit"):
        return self.admin.create("/api/v1/policies", name=unique("policy"), effect=effect, group_id=self.group,
                                 resource_id=resource)["id"]

    def enrolment(self):
        gateway = self.admin.create("/api/v1/gateways", name=unique("gateway"), site_id=self.site,
                                    endpoint="192.0.2.1:51820")["id"]
        return gateway, self.admin.post(f"/api/v1/gateways/{gateway}/enrolment").expect(201).json["enrolment"]

    def new_gateway(self):
        gateway, enrolment = self.enrolment()
        agent = Gateway.enroll(self.posternd, self.posternd.dir, enrolment)
        agent.report()
        return gateway, agent

    def client(self):
        return Client.enroll(self.posternd, self.posternd.dir, self.person["email"], PASSWORD)

    def decisions(self, **like):
        about = f"filter=person_id%20%3D%20%22{self.person['id']}%22&limit=500"
        return [d for d in self.admin.items(f"/api/v1/decisions?{about}")
                if all(d.get(k) == v for k, v in like.items())]

    def enable(self, policy, enabled):
        return self.admin.patch(f"/api/v1/policies/{policy}", {"enabled": enabled}).expect(200)
