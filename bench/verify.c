/*
 * What verifying a token costs beside what cannot be saved: one bare
 * EVP_DigestVerify (or HMAC) with the same key, and the two jansson parses.
 * Both are measured in turns in one program, and the medians are printed.
 *
 *   make bench
 */

#include <jansson.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "para_token.h"
#include "sign.h"


#define ROUNDS    41
#define CALLS     200

#define HEADER(alg)  "{\"alg\":\"" alg "\",\"typ\":\"JWT\",\"kid\":\"bench\"}"

#define PAYLOAD                                                               \
    "{\"data\":{\"userId\":\"d5358219-38d3-4650-91a8-e338131d1c5e\","         \
    "\"wallets\":[{\"id\":\"de4034f1-6b0f-4a98-87a5-e459db4d3a03\","          \
    "\"type\":\"EVM\",\"address\":"                                           \
    "\"0x9dd3824f045c77bc369485e8f1dd6b452b6be617\",\"publicKey\":"           \
    "\"0x0465434f0f0e76e0c3f1cf7a7b4e1bb0c6a7f2e2c2b6d6d1d0d8f3a8f3d1c2b3"    \
    "a4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3\"},"    \
    "{\"id\":\"d70f64e4-266a-457e-9cea-eeb42341a975\",\"type\":\"SOLANA\","   \
    "\"address\":\"EEp7DbBu5yvgf7Pr9W17cATPjCqUxY8K8R3dFbg53a3W\","           \
    "\"publicKey\":\"\"}],\"email\":\"email@example.com\","                   \
    "\"authType\":\"email\",\"identifier\":\"email@example.com\","            \
    "\"oAuthMethod\":\"google\"},\"iat\":1745877709,\"exp\":4102444800,"      \
    "\"aud\":\"a31b8f2e-7c6d-4e5a-9f8b-1d2c3a4b5e6f\","                       \
    "\"sub\":\"d5358219-38d3-4650-91a8-e338131d1c5e\"}"


typedef struct {
    const char    *name;
    const char    *header;
    unsigned       alg;
    sign_key_t    *key;
} bench_alg_t;


typedef struct {
    para_span_t    token;
    para_span_t    input;

    /* the bare way */
    EVP_PKEY      *pkey;              /* NULL: HMAC */
    const char    *digest;            /* NULL: Ed25519 */
    unsigned char *signature;         /* as OpenSSL wants it */
    size_t         size;

    /* ours */
    para_issuer_t  issuer;
} bench_case_t;


static const unsigned char  bench_secret[32] =
    "an HMAC key of thirty-two bytes";


static void
bench_die(const char *what)
{
    fprintf(stderr, "bench: %s failed\n", what);
    exit(1);
}


static double
bench_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (double) ts.tv_sec * 1e6 + (double) ts.tv_nsec / 1e3;
}


static void
bench_bare(const bench_case_t *bench)
{
    int            ok;
    size_t         len;
    EVP_MD_CTX    *ctx;
    json_t        *header, *payload;
    unsigned char  mac[EVP_MAX_MD_SIZE];

    header = json_loads(HEADER("RS256"), JSON_REJECT_DUPLICATES, NULL);
    payload = json_loads(PAYLOAD, JSON_REJECT_DUPLICATES, NULL);

    if (bench->pkey == NULL) {
        ok = EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, bench_secret,
                       sizeof(bench_secret), bench->input.data,
                       bench->input.len, mac, sizeof(mac), &len)
             != NULL;

    } else {
        ctx = EVP_MD_CTX_new();
        ok = EVP_DigestVerifyInit_ex(ctx, NULL, bench->digest, NULL, NULL,
                                     bench->pkey, NULL)
             == 1
             && EVP_DigestVerify(ctx, bench->signature, bench->size,
                                 bench->input.data, bench->input.len)
                == 1;
        EVP_MD_CTX_free(ctx);
    }

    if (!ok || header == NULL || payload == NULL) {
        bench_die("the bare way");
    }

    json_decref(header);
    json_decref(payload);
}


static void
bench_ours(const bench_case_t *bench)
{
    para_token_t          token;
    const para_issuer_t  *issuers[1];

    issuers[0] = &bench->issuer;

    if (para_token_verify(&token, issuers, 1, bench->token, 1800000000)
        != PARA_OK)
    {
        bench_die("para_token_verify()");
    }

    para_token_free(&token);
}


static double
bench_time(void (*run)(const bench_case_t *), const bench_case_t *bench)
{
    int     i;
    double  start;

    start = bench_now();

    for (i = 0; i < CALLS; i++) {
        run(bench);
    }

    return (bench_now() - start) / CALLS;
}


static int
bench_compare(const void *a, const void *b)
{
    double  x, y;

    x = *(const double *) a;
    y = *(const double *) b;

    return (x > y) - (x < y);
}


/* OpenSSL wants DER where JWS has R and S side by side. */

static void
bench_der(bench_case_t *bench)
{
    int             half, len;
    ECDSA_SIG      *sig;
    unsigned char  *der;

    der = NULL;
    half = (int) bench->size / 2;
    sig = ECDSA_SIG_new();

    ECDSA_SIG_set0(sig, BN_bin2bn(bench->signature, half, NULL),
                   BN_bin2bn(bench->signature + half, half, NULL));

    len = i2d_ECDSA_SIG(sig, &der);
    ECDSA_SIG_free(sig);
    free(bench->signature);

    bench->signature = der;
    bench->size = (size_t) len;
}


static void
bench_prepare(bench_case_t *bench, const bench_alg_t *alg)
{
    BIO         *bio;
    char        *jwk, *token, *pem, *dot;
    const char  *why;

    memset(bench, 0, sizeof(bench_case_t));

    jwk = sign_jwk(alg->key, ",\"kid\":\"bench\"");
    token = sign_token(alg->key, alg->header, PAYLOAD);
    dot = strrchr(token, '.');

    bench->token = para_span(token, strlen(token));
    bench->input = para_span(token, (size_t) (dot - token));

    bench->issuer.name = PARA_SPAN("bench");
    bench->issuer.kind = PARA_ISSUER_PARA;
    bench->issuer.algorithms = alg->alg;
    bench->issuer.keys = para_jwks_parse(para_span(jwk, strlen(jwk)),
                                         PARA_JWKS_LOCAL, &why);
    if (bench->issuer.keys == NULL) {
        bench_die(why);
    }

    free(jwk);

    if (strcmp(alg->name, "HS256") == 0) {
        return;
    }

    pem = sign_pem_public(alg->key);
    bio = BIO_new_mem_buf(pem, -1);
    bench->pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIO_free(bio);
    free(pem);

    *dot = '\0';
    bench->signature = sign_bytes(alg->key, token, NULL, &bench->size);
    *dot = '.';

    bench->digest = EVP_PKEY_is_a(bench->pkey, "ED25519") ? NULL : "SHA256";

    if (EVP_PKEY_is_a(bench->pkey, "EC")) {
        bench_der(bench);
    }
}


static void
bench_run(const bench_alg_t *alg)
{
    int           i;
    double        bare[ROUNDS], ours[ROUNDS], a, b;
    bench_case_t  bench;

    bench_prepare(&bench, alg);

    for (i = 0; i < ROUNDS; i++) {
        bare[i] = bench_time(bench_bare, &bench);
        ours[i] = bench_time(bench_ours, &bench);
    }

    qsort(bare, ROUNDS, sizeof(double), bench_compare);
    qsort(ours, ROUNDS, sizeof(double), bench_compare);

    a = bare[ROUNDS / 2];
    b = ours[ROUNDS / 2];

    printf("%-6s %10.1f %10.1f %+9.1f us %+7.1f %%\n", alg->name, a, b, b - a,
           (b / a - 1) * 100);
}


int
main(void)
{
    size_t  i;

    const bench_alg_t  algs[] = {
        { "RS256", HEADER("RS256"), PARA_ALG_RS256, sign_rsa(2048, 65537) },
        { "ES256", HEADER("ES256"), PARA_ALG_ES256, sign_ec("P-256") },
        { "EdDSA", HEADER("EdDSA"), PARA_ALG_EDDSA, sign_okp("ED25519") },
        { "HS256", HEADER("HS256"), PARA_ALG_HS256,
          sign_secret(bench_secret, sizeof(bench_secret)) }
    };

    printf("%-6s %10s %10s\n", "us", "bare", "ours");

    for (i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
        bench_run(&algs[i]);
    }

    return 0;
}
