/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's half of the key exchange with a gateway: an offer (H_c) signed by the device key, and what comes of it
 * once the gateway's answer (H_g) has been verified. No I/O; time is an argument. The caller wipes what it keeps.
 */
#pragma once
#include "agent/identity.h"
#include "crypto/psk.h"
#include "wireguard/uapi.h"

struct pair_offer {
    uint8_t hello[PSK_HELLO_MAX], signature[PKEY_SIG_MAX];
    size_t n_hello, n_signature;
    uint8_t one_shot[PSK_KEY_LEN]; /* secret; wiped when the pair is finished */
};

/* What a tunnel to the gateway needs. */
struct pair {
    struct wg_key gateway, psk;
    struct net_endpoint endpoint;
};

void pair_offer(const struct identity *identity, const char *session, const struct wg_key *private_key,
                struct pair_offer *out);
/* Verifies a connection that is ready and derives the keys; wipes the offer's secret whatever comes out. Returns NULL
 * or what is wrong. */
const char *pair_finish(const struct identity *identity, struct pair_offer *offer, const struct client_connection *c,
                        int64_t wall_us, struct pair *out) MUSTCHECK;
