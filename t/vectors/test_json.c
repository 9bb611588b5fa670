/*
 * JSONTestSuite in a signed token: as its payload, and as a claim of it.
 */

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "para_token.h"
#include "vectors.h"


#define SUITE_NOW     1700000000
#define SUITE_SECRET  "0123456789abcdef0123456789abcdef"


typedef struct {
    unsigned  files;
    unsigned  refused;                /* as payload */
    unsigned  claim_refused;          /* as {"exp":...,"claim":FILE} */
} suite_count_t;


static para_issuer_t  suite_issuer;


static char *
suite_base64url(const void *data, size_t len)
{
    char    *text;
    size_t   i;

    text = malloc(len * 4 / 3 + 8);
    EVP_EncodeBlock((unsigned char *) text, data, (int) len);

    for (i = 0; text[i] != '\0'; i++) {
        text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
        text[i] = text[i] == '=' ? '\0' : text[i];
    }

    return text;
}


/* The reason that a token with this payload is refused for. */

static para_reason_e
suite_verify(const char *payload, size_t len)
{
    char                 *header, *body, *input, *mac, *token;
    unsigned              n;
    para_token_t          result;
    para_reason_e         rc;
    unsigned char         bytes[EVP_MAX_MD_SIZE];
    const para_issuer_t  *issuer;

    header = suite_base64url("{\"alg\":\"HS256\"}", 15);
    body = suite_base64url(payload, len);
    input = vectors_format("%s.%s", header, body);

    HMAC(EVP_sha256(), SUITE_SECRET, 32, (unsigned char *) input,
         strlen(input), bytes, &n);

    mac = suite_base64url(bytes, n);
    token = vectors_format("%s.%s", input, mac);

    issuer = &suite_issuer;
    rc = para_token_verify(&result, &issuer, 1,
                           para_span(token, strlen(token)), SUITE_NOW);
    para_token_free(&result);

    free(token);
    free(mac);
    free(input);
    free(body);
    free(header);

    return rc;
}


static int
suite_refused(para_reason_e rc)
{
    return rc == PARA_CLAIMS_JSON || rc == PARA_JWS_SIZE;
}


static void
suite_file(const char *folder, const char *name, suite_count_t *count)
{
    char           *text, *claim;
    size_t          len, n;
    para_reason_e   rc;

    text = vectors_file(folder, name, &len);
    claim = malloc(len + 64);

    n = (size_t) sprintf(claim, "{\"exp\":%d,\"claim\":", SUITE_NOW + 60);
    memcpy(claim + n, text, len);
    claim[n + len] = '}';

    count->files++;

    rc = suite_verify(text, len);
    count->refused += suite_refused(rc);

    if (*name == 'n' && !suite_refused(rc)) {
        printf("# %s: %s\n", name, para_reason_name(rc));
    }

    rc = suite_verify(claim, n + len + 1);
    count->claim_refused += suite_refused(rc);

    if (suite_refused(rc) != (*name == 'n') && *name != 'i') {
        printf("# %s as a claim: %s\n", name, para_reason_name(rc));
    }

    if (!suite_refused(rc) && rc != PARA_OK) {
        vectors_ok(0, "%s: %s", name, para_reason_name(rc));
    }

    free(claim);
    free(text);
}


int
main(void)
{
    int              i;
    char            *folder, *suite, *secret, *jwk, **list;
    size_t           j;
    suite_count_t    count[3], *of;

    static const char  kind[] = "nyi";

    suite = vectors_folder("json_testsuite");
    folder = vectors_format("%s/test_parsing", suite);

    secret = suite_base64url(SUITE_SECRET, 32);
    jwk = vectors_format("{\"kty\":\"oct\",\"k\":\"%s\"}", secret);
    suite_issuer.name = PARA_SPAN("suite");
    suite_issuer.kind = PARA_ISSUER_OWN;
    suite_issuer.algorithms = para_alg_find(PARA_SPAN("HS256"))->bit;
    suite_issuer.keys = vectors_set_text(jwk, PARA_JWKS_LOCAL);

    memset(count, 0, sizeof(count));
    list = vectors_list(folder, ".json");

    for (j = 0; list[j] != NULL; j++) {
        for (i = 0; i < 3; i++) {
            if (*list[j] == kind[i]) {
                suite_file(folder, list[j], &count[i]);
            }
        }
    }

    of = &count[0];
    vectors_ok(of->files == 188 && of->refused == 188,
               "n_: %u of %u refused as payload", of->refused, of->files);
    vectors_ok(of->claim_refused == 188, "n_: %u refused as a claim",
               of->claim_refused);

    /* as claims, so that a refusal has no other cause than the text itself */

    of = &count[1];
    vectors_ok(of->files == 95 && of->claim_refused == 4,
               "y_: %u of %u refused as a claim", of->claim_refused,
               of->files);

    of = &count[2];
    vectors_ok(of->files == 35, "i_: %u, of which %u are refused as a claim",
               of->files, of->claim_refused);

    vectors_ok(j == 318, "%u files, and no crash", (unsigned) j);

    vectors_list_free(list);
    para_jwks_free((para_jwks_t *) suite_issuer.keys);
    free(jwk);
    free(secret);
    free(folder);
    free(suite);

    return vectors_done();
}
