/*
 * Tokens: nothing is accepted without a signature.  The HMAC is computed here
 * once more; under public keys, whose private halves are not used, nothing but
 * the two tokens of RFC 7515 A.2 and A.3 is good.
 *
 * Input that begins with a '+' is header, line feed, payload, to be signed
 * here, so that what comes after the signature is reached.
 */

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "fuzz.h"
#include "para_token.h"


#define FUZZ_NOW     1300819000
#define FUZZ_SECRET  "0123456789abcdef0123456789abcdef"

static const char  fuzz_keys[] =
    "{\"keys\":["
    "{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0"
    "l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_"
    "YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUs"
    "LA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5"
    "IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRW"
    "yuXpoQ\",\"e\":\"AQAB\"},"
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8"
    "Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";

#define FUZZ_PAYLOAD                                                          \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNv" \
    "bS9pc19yb290Ijp0cnVlfQ"

static const char *const  fuzz_good[] = {
    "eyJhbGciOiJSUzI1NiJ9." FUZZ_PAYLOAD ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERa"
    "t0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CU"
    "Ar7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBM"
    "Hlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOP"
    "qvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_"
    "IoypGlUPQGe77Rw",
    "eyJhbGciOiJFUzI1NiJ9." FUZZ_PAYLOAD ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4G"
    "awxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
};


static para_issuer_t  fuzz_public;     /* iss joe */
static para_issuer_t  fuzz_shared;     /* no iss, a secret */


static void
fuzz_setup(void)
{
    const char  *why;

    if (fuzz_public.keys != NULL) {
        return;
    }

    fuzz_public.name = PARA_SPAN("public");
    fuzz_public.kind = PARA_ISSUER_OWN;
    fuzz_public.iss = PARA_SPAN("joe");
    fuzz_public.keys = para_jwks_parse(PARA_SPAN(fuzz_keys), PARA_JWKS_PUBLIC,
                                       &why);
    fuzz_shared.name = PARA_SPAN("shared");
    fuzz_shared.kind = PARA_ISSUER_PARA;
    fuzz_shared.keys = para_jwks_secret(PARA_SPAN(FUZZ_SECRET), &why);

    fuzz_assert(fuzz_public.keys != NULL && fuzz_shared.keys != NULL);

    fuzz_public.algorithms = para_jwks_algorithms(fuzz_public.keys);
    fuzz_shared.algorithms = PARA_ALG_HS256;
}


static char *
fuzz_base64url(char *dst, const void *data, size_t len)
{
    size_t  i;

    EVP_EncodeBlock((unsigned char *) dst, data, (int) len);

    for (i = 0; dst[i] != '\0'; i++) {
        dst[i] = dst[i] == '+' ? '-' : dst[i] == '/' ? '_' : dst[i];
        dst[i] = dst[i] == '=' ? '\0' : dst[i];
    }

    return dst + strlen(dst);
}


/* Writes the signature of what is there. */

static void
fuzz_sign(char *dst, const void *input, size_t len)
{
    unsigned       n;
    unsigned char  mac[EVP_MAX_MD_SIZE];

    HMAC(EVP_sha256(), FUZZ_SECRET, 32, input, len, mac, &n);
    fuzz_base64url(dst, mac, n);
}


static para_span_t
fuzz_make(const uint8_t *data, size_t size)
{
    char         *token, *p;
    para_span_t   header, payload;

    payload = para_span(data, size);
    header = fuzz_line(&payload);

    token = malloc(size * 2 + 128);

    p = fuzz_base64url(token, header.data, header.len);
    *p++ = '.';
    p = fuzz_base64url(p, payload.data, payload.len);
    fuzz_sign(p + 1, token, (size_t) (p - token));
    *p = '.';

    return para_span(token, strlen(token));
}


/* Whether the shared secret has signed it. */

static int
fuzz_is_signed(para_span_t text)
{
    char    mac[64];
    size_t  len;

    for (len = text.len; len > 0 && text.data[len - 1] != '.'; len--) {
        /* void */
    }

    if (len == 0) {
        return 0;
    }

    fuzz_sign(mac, text.data, len - 1);

    return text.len - len == strlen(mac)
           && memcmp(text.data + len, mac, strlen(mac)) == 0;
}


static int
fuzz_is_good(para_span_t text)
{
    return para_span_eq(text, para_span(fuzz_good[0], strlen(fuzz_good[0])))
           || para_span_eq(text, para_span(fuzz_good[1],
                                           strlen(fuzz_good[1])));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    para_span_t           text;
    para_token_t          token;
    para_reason_e         rc;
    const para_issuer_t  *issuers[2];

    fuzz_setup();

    issuers[0] = &fuzz_public;
    issuers[1] = &fuzz_shared;

    text = size != 0 && *data == '+' ? fuzz_make(data + 1, size - 1)
                                     : para_span(data, size);

    rc = para_token_verify(&token, issuers, 2, text, FUZZ_NOW);
    fuzz_assert(rc == token.verdict);

    if (rc == PARA_OK || rc == PARA_TOKEN_EXPIRED) {
        fuzz_assert(token.claims != NULL && token.issuer != NULL);
        fuzz_assert(token.issuer == &fuzz_shared ? fuzz_is_signed(text)
                                                 : fuzz_is_good(text));

    } else {
        fuzz_assert(token.claims == NULL);
        fuzz_assert(!fuzz_is_good(text));
    }

    if (rc == PARA_OK) {
        fuzz_assert(token.end > FUZZ_NOW);
    }

    para_token_free(&token);

    if (text.data != data) {
        free((void *) text.data);
    }

    return 0;
}
