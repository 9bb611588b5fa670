/*
 * Wycheproof's signature files: verify(key, algorithm, message, signature).
 */

#include <openssl/evp.h>

#include "vectors.h"


typedef struct {
    const char  *name;
    const char  *alg;
} raw_file_t;


static const raw_file_t  raw_files[] = {
    { "ecdsa_secp256k1_sha256_p1363_test.json", "ES256K" },
    { "ecdsa_secp256r1_sha256_p1363_test.json", "ES256" },
    { "ecdsa_secp384r1_sha384_p1363_test.json", "ES384" },
    { "ecdsa_secp521r1_sha512_p1363_test.json", "ES512" },
    { "ed25519_test.json", "EdDSA" },
    { "ed448_test.json", "EdDSA" },
    { "hmac_sha256_test.json", "HS256" },
    { "hmac_sha384_test.json", "HS384" },
    { "hmac_sha512_test.json", "HS512" },
    { "rsa_pss_2048_sha256_mgf1_32_test.json", "PS256" },
    { "rsa_pss_2048_sha384_mgf1_48_test.json", "PS384" },
    { "rsa_pss_3072_sha256_mgf1_32_test.json", "PS256" },
    { "rsa_pss_4096_sha256_mgf1_32_test.json", "PS256" },
    { "rsa_pss_4096_sha384_mgf1_48_test.json", "PS384" },
    { "rsa_pss_4096_sha512_mgf1_64_test.json", "PS512" },
    { "rsa_signature_2048_sha256_test.json", "RS256" },
    { "rsa_signature_2048_sha384_test.json", "RS384" },
    { "rsa_signature_2048_sha512_test.json", "RS512" },
    { "rsa_signature_3072_sha256_test.json", "RS256" },
    { "rsa_signature_3072_sha384_test.json", "RS384" },
    { "rsa_signature_3072_sha512_test.json", "RS512" },
    { "rsa_signature_4096_sha256_test.json", "RS256" },
    { "rsa_signature_4096_sha384_test.json", "RS384" },
    { "rsa_signature_4096_sha512_test.json", "RS512" }
};

#define RAW_EXPECTED      4987
#define RAW_SHORT_SECRET  9           /* valid, but refused when loaded */


static unsigned  raw_agreed;
static unsigned  raw_short;
static unsigned  raw_acceptable;
static unsigned  raw_other;


/* In place; the length in bytes. */

static size_t
raw_hex(unsigned char *bytes, const char *hex)
{
    size_t    n;
    unsigned  byte;

    for (n = 0; sscanf(hex + 2 * n, "%2x", &byte) == 1; n++) {
        bytes[n] = (unsigned char) byte;
    }

    return n;
}


static para_span_t
raw_bytes(const json_t *test, const char *name)
{
    const char     *hex;
    unsigned char  *bytes;

    hex = json_string_value(json_object_get(test, name));
    bytes = malloc(strlen(hex) / 2 + 1);

    return para_span(bytes, raw_hex(bytes, hex));
}


static para_jwks_t *
raw_public(const json_t *group, const char *member)
{
    json_t       *key;
    para_jwks_t  *set;

    key = json_object_get(group, member);

    if (key == NULL) {
        return NULL;
    }

    set = vectors_set(key, PARA_JWKS_PUBLIC);

    if (set == NULL) {
        printf("# a %s is refused\n", member);
        raw_other++;
    }

    return set;
}


static para_jwks_t *
raw_pem(const json_t *group)
{
    char         *text, *pem;
    para_span_t   der;
    para_jwks_t  *set;

    der = raw_bytes(group, "publicKeyDer");
    text = malloc(der.len * 4 / 3 + 8);
    EVP_EncodeBlock((unsigned char *) text, der.data, (int) der.len);

    pem = vectors_format("-----BEGIN PUBLIC KEY-----\n%s\n"
                         "-----END PUBLIC KEY-----\n", text);
    set = vectors_set_text(pem, PARA_JWKS_PUBLIC);

    if (set == NULL) {
        printf("# a publicKeyDer is refused\n");
        raw_other++;
    }

    free(pem);
    free(text);
    free((void *) der.data);

    return set;
}


static para_jwks_t *
raw_secret(const json_t *test, const char *alg)
{
    char         *text, *jwk;
    size_t        i;
    para_span_t   secret;
    para_jwks_t  *set;

    secret = raw_bytes(test, "key");
    text = malloc(secret.len * 4 / 3 + 8);
    EVP_EncodeBlock((unsigned char *) text, secret.data, (int) secret.len);

    for (i = 0; text[i] != '\0'; i++) {
        text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
        text[i] = text[i] == '=' ? '\0' : text[i];
    }

    jwk = vectors_format("{\"kty\":\"oct\",\"alg\":\"%s\",\"k\":\"%s\"}", alg,
                         text);
    set = vectors_set_text(jwk, PARA_JWKS_LOCAL);

    free(jwk);
    free(text);
    free((void *) secret.data);

    return set;
}


static int
raw_verify(const para_jwks_t *set, const char *name, const json_t *test,
    const char *member)
{
    int                good;
    para_span_t        message, signature;
    const para_alg_t  *alg;

    alg = para_alg_find(para_span(name, strlen(name)));

    if (alg == NULL || set == NULL) {
        return 0;
    }

    message = raw_bytes(test, "msg");
    signature = raw_bytes(test, member);

    good = para_jwk_verify(para_jwks_key(set, 0), alg, message, signature);

    free((void *) message.data);
    free((void *) signature.data);

    return good;
}


static void
raw_count(const char *file, const json_t *test, int good, int valid)
{
    if (good == valid) {
        raw_agreed++;
        return;
    }

    printf("# %s test %d: %d, but it is %s (%s)\n", file,
           (int) json_integer_value(json_object_get(test, "tcId")), good,
           json_string_value(json_object_get(test, "result")),
           json_string_value(json_object_get(test, "comment")));
    raw_other++;
}


static int
raw_is(const json_t *test, const char *result)
{
    return strcmp(json_string_value(json_object_get(test, "result")), result)
           == 0;
}


static size_t
raw_size(const json_t *group, const char *name)
{
    return (size_t) json_integer_value(json_object_get(group, name));
}


static void
raw_secret_test(const raw_file_t *file, const json_t *group,
    const json_t *test)
{
    int           is_short, valid;
    size_t        bits;
    para_jwks_t  *set;

    bits = (size_t) atoi(file->alg + 2);

    /* RFC 7518 3.2: all of the tag, under a key as long as the hash at least */

    is_short = raw_size(group, "keySize") < bits;
    valid = raw_is(test, "valid") && raw_size(group, "tagSize") == bits;

    set = raw_secret(test, file->alg);

    if ((set == NULL) != is_short) {
        printf("# a key of %u bits for %s is %s\n",
               (unsigned) raw_size(group, "keySize"), file->alg,
               set == NULL ? "refused" : "loaded");
        raw_other++;
    }

    raw_short += valid && is_short;
    raw_count(file->name, test, raw_verify(set, file->alg, test, "tag"),
              valid && !is_short);

    para_jwks_free(set);
}


static void
raw_file(const char *folder, const raw_file_t *file)
{
    int           good;
    size_t        i, j;
    json_t       *root, *group, *test;
    unsigned      agreed, other;
    para_jwks_t  *jwk, *pem;

    agreed = raw_agreed;
    other = raw_other;
    root = vectors_json(folder, file->name);

    json_array_foreach(json_object_get(root, "testGroups"), i, group) {
        if (json_object_get(group, "publicKeyDer") == NULL) {
            json_array_foreach(json_object_get(group, "tests"), j, test) {
                raw_secret_test(file, group, test);
            }

            continue;
        }

        jwk = raw_public(group, "publicKeyJwk");
        jwk = jwk != NULL ? jwk : raw_public(group, "keyJwk");
        pem = raw_pem(group);

        json_array_foreach(json_object_get(group, "tests"), j, test) {
            good = raw_verify(pem, file->alg, test, "sig");

            /* the JWK, where there is one, must say the same */

            if (jwk != NULL
                && raw_verify(jwk, file->alg, test, "sig") != good)
            {
                printf("# JWK and PEM differ\n");
                raw_other++;
            }

            /* "acceptable" is PKCS #1 v1.5 without NULL: not to us */

            raw_acceptable += raw_is(test, "acceptable");
            raw_count(file->name, test, good, raw_is(test, "valid"));
        }

        para_jwks_free(jwk);
        para_jwks_free(pem);
    }

    vectors_ok(raw_other == other, "%s: %u agree, %u others", file->name,
               raw_agreed - agreed, raw_other - other);

    json_decref(root);
}


int
main(void)
{
    char    *folder;
    size_t   i;

    folder = vectors_folder("wycheproof");

    for (i = 0; i < sizeof(raw_files) / sizeof(raw_files[0]); i++) {
        raw_file(folder, &raw_files[i]);
    }

    vectors_ok(raw_agreed == RAW_EXPECTED && raw_other == 0,
               "%u of %u agree", raw_agreed, RAW_EXPECTED);
    vectors_ok(raw_short == RAW_SHORT_SECRET, "%u of them are valid under a"
               " secret that is too short to be loaded", raw_short);
    printf("# %u of them are \"acceptable\" and refused\n", raw_acceptable);

    free(folder);

    return vectors_done();
}
