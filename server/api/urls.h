/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The base URLs that people and agents are told: as configured, else made of this host's name and the port. */
#pragma once
#include "base/arena.h"
#include "server/settings/settings.h"

/* NULL only when the arena is full. */
const char *url_of_people(const struct settings *s, struct arena *a);
const char *url_of_agents(const struct settings *s, struct arena *a);
/* For people to type: with the pin behind it while the certificate is one that nobody else has signed. */
const char *url_to_tell(const struct settings *s, const char *pin, struct arena *a);
