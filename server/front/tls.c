/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/front/tls.h"
#include "base/log.h"
#include "server/front/conn.h"
#include "server/front/state.h"
#include <openssl/err.h>

static void log_ssl(const char *what, const char *path)
{
    char text[256] = "unknown error";
    unsigned long code = ERR_peek_last_error();
    if (code)
        ERR_error_string_n(code, text, sizeof(text));
    ERR_clear_error();
    log_error("%s %s: %s", what, path, text);
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
                   unsigned in_len, void *arg)
{
    static const unsigned char ours[] = "\x02h2\x08http/1.1";
    unsigned char *choice;
    if (SSL_select_next_proto(&choice, out_len, ours, sizeof(ours) - 1, in, in_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = choice;
    return SSL_TLSEXT_ERR_OK;
}

/* The library offers no way to the SSL of a socket, but its BIO carries the socket: keep the certificate now. */
static void on_info(const SSL *ssl, int where, int value)
{
    if (!(where & SSL_CB_HANDSHAKE_DONE))
        return;
    struct conn *c = conn_of_socket(BIO_get_data(SSL_get_rbio(ssl)));
    X509 *x = SSL_get0_peer_certificate(ssl);
    unsigned char *der = NULL;
    int n = c && x ? i2d_X509(x, &der) : 0;
    if (n > 0)
        conn_identify(c, der, (size_t)n);
    OPENSSL_free(der);
}

static int set_server(SSL_CTX *ctx, const struct front_config *config)
{
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    /* Resumption would save little here and would have to carry the client's certificate along. */
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
    SSL_CTX_set_info_callback(ctx, on_info);
    if (!SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") || !SSL_CTX_set1_groups_list(ctx, "X25519:P-256"))
        return -EINVAL;
    if (SSL_CTX_use_certificate_chain_file(ctx, config->certificate) != 1) {
        log_ssl("reading the certificate", config->certificate);
        return -EINVAL;
    }
    if (SSL_CTX_use_PrivateKey_file(ctx, config->key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(ctx) != 1) {
        log_ssl("reading the key", config->key);
        return -EINVAL;
    }
    return 0;
}

/* Strangers end here: the handshake fails without a certificate of the device CA. */
static int set_client_ca(SSL_CTX *ctx, const char *path)
{
    static const unsigned char context[] = "postern agents";
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(path);
    if (!names || SSL_CTX_load_verify_file(ctx, path) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        log_ssl("reading the device CA", path);
        return -EINVAL;
    }
    SSL_CTX_set_client_CA_list(ctx, names);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_verify_depth(ctx, 2);
    return SSL_CTX_set_session_id_context(ctx, context, sizeof(context) - 1) == 1 ? 0 : -EINVAL;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void stat_ca(const struct front *f, struct stat *st)
{
    if (stat(f->config->device_ca, st))
        *st = (struct stat){0};
}

int tls_load(struct front *f)
{
    bool agents = f->config->listener == FRAME_AGENTS;
    if (agents) {
        stat_ca(f, &f->tls.ca);
        if (!f->tls.ca.st_ino) {
            log_warn("no device CA at %s yet: agents are refused until there is one", f->config->device_ca);
            return 0;
        }
    }
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx)
        return -EINVAL;
    if (set_server(ctx, f->config) || (agents && set_client_ca(ctx, f->config->device_ca))) {
        SSL_CTX_free(ctx);
        return -EINVAL;
    }
    SSL_CTX_free(f->accept.ssl_ctx); /* each connection holds a reference of its own */
    f->accept.ssl_ctx = ctx;
    log_info("TLS certificate %s loaded", f->config->certificate);
    return 0;
}

void tls_watch(struct front *f)
{
    struct stat st;
    if (f->config->listener != FRAME_AGENTS)
        return;
    stat_ca(f, &st);
    if (same_file(&st, &f->tls.ca) || (!st.st_ino && !f->tls.ca.st_ino))
        return;
    if (tls_load(f))
        log_warn("the new device CA is not used");
}
