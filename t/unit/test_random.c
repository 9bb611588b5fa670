/*
 * 100,000 identities of any text at all: each is refused exactly when the rule
 * says so (para_header.h, the limits of para_identity.h), and otherwise every
 * field is one printable line from which the texts can be read again.
 *
 * PARA_TEST_SEED repeats a run, PARA_TEST_RUNS is another number of them.
 */

#include <time.h>

#include "para_header.h"
#include "para_identity.h"
#include "unit.h"


#define RANDOM_RUNS   100000
#define RANDOM_ITEMS  5               /* of a list at most */
#define RANDOM_MAX    (PARA_CLAIM_VALUE_MAX + 16)


/* A text, and what the rule says of it. */

typedef struct {
    unsigned char  data[RANDOM_MAX];
    size_t         len;
    int            unsafe;
} random_text_t;

typedef struct {
    random_text_t  item[RANDOM_ITEMS];
    size_t         n;
} random_list_t;


static const struct {
    const char             *name;     /* of the claim */
    para_identity_field_e   field;
    size_t                  max;
} random_fields[] = {
    { "para_user_id", PARA_ID_USER_ID, PARA_USER_ID_MAX },
    { "internal_user_id", PARA_ID_INTERNAL_USER_ID, PARA_USER_ID_MAX },
    { "auth_identifier", PARA_ID_IDENTIFIER, PARA_TEXT_MAX },
    { "auth_method", PARA_ID_AUTH_TYPE, PARA_TEXT_MAX },
    { "email", PARA_ID_EMAIL, PARA_TEXT_MAX }
};

#define RANDOM_FIELDS  unit_count(random_fields)


/* What one token says. */

static struct {
    random_text_t  issuer;
    random_text_t  text[RANDOM_FIELDS];
    random_list_t  roles;
    random_list_t  type;              /* of each wallet */
    random_list_t  address;
    random_text_t  claim;             /* two more, of a set */
    random_list_t  claims;
} random_token;


static struct {
    uint64_t       state;
    unsigned long  run;
    unsigned long  good;

    char           json[32 * RANDOM_MAX];
    size_t         len;
} random_now;


static uint64_t
random_bits(void)
{
    uint64_t  z;

    /* splitmix64 */

    random_now.state += UINT64_C(0x9e3779b97f4a7c15);

    z = random_now.state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);

    return z ^ (z >> 31);
}


static size_t
random_below(size_t n)
{
    return (size_t) (random_bits() % n);
}


static void
random_append(const char *text, size_t len)
{
    assert_true(random_now.len + len < sizeof(random_now.json));

    memcpy(random_now.json + random_now.len, text, len);
    random_now.len += len;
}


#define random_write(text)  random_append(text, strlen(text))


/* ---- Texts, and the JSON that spells them ------------------------------- */

static unsigned
random_char(int dirty)
{
    static const unsigned  odd[] = {
        ' ', ' ', ',', ',', ':', '%', '%', '"', '\\', ';', '=', '/', '<',
        0xa0, 0xad, 0x2027, 0x202a, 0x202e, 0x200b, 0xfeff, 0xfffd, 0xffff,
        0xd7ff, 0xe000, 0x10000, 0x10ffff
    };

    static const unsigned  bad[] = {
        '\r', '\n', '\t', 0x01, 0x0b, 0x1f, 0x7f, 0x80, 0x85, 0x9f, 0x2028,
        0x2029
    };

    unsigned  c;

    if (dirty && random_below(8) == 0) {
        return random_below(2) ? bad[random_below(unit_count(bad))]
                               : (unsigned) (1 + random_below(0x9f));
    }

    switch (random_below(4)) {

    case 0:
        return odd[random_below(unit_count(odd))];

    case 1:
        c = (unsigned) (0xa0 + random_below(0xffff - 0xa0));
        return c >= 0xd800 && c < 0xe000 ? 0x1f511 : c;

    case 2:
        return (unsigned) (0x10000 + random_below(0x100000));

    default:
        return (unsigned) ('!' + random_below('~' - '!'));
    }
}


/* RFC 3629 3. */

static size_t
random_utf8(unsigned char *dst, unsigned c)
{
    if (c < 0x80) {
        dst[0] = (unsigned char) c;
        return 1;
    }

    if (c < 0x800) {
        dst[0] = (unsigned char) (0xc0 | c >> 6);
        dst[1] = (unsigned char) (0x80 | (c & 0x3f));
        return 2;
    }

    if (c < 0x10000) {
        dst[0] = (unsigned char) (0xe0 | c >> 12);
        dst[1] = (unsigned char) (0x80 | (c >> 6 & 0x3f));
        dst[2] = (unsigned char) (0x80 | (c & 0x3f));
        return 3;
    }

    dst[0] = (unsigned char) (0xf0 | c >> 18);
    dst[1] = (unsigned char) (0x80 | (c >> 12 & 0x3f));
    dst[2] = (unsigned char) (0x80 | (c >> 6 & 0x3f));
    dst[3] = (unsigned char) (0x80 | (c & 0x3f));

    return 4;
}


/* A character of a JSON string, as it is or escaped: RFC 8259 7. */

static void
random_write_char(unsigned c)
{
    char           text[16];
    size_t         n;
    unsigned char  raw[4];

    n = random_utf8(raw, c);

    if (c >= 0x20 && c != '"' && c != '\\' && random_below(3) != 0) {
        random_append((char *) raw, n);
        return;
    }

    if (c < 0x10000) {
        snprintf(text, sizeof(text), "\\u%04x", c);

    } else {
        c -= 0x10000;
        snprintf(text, sizeof(text), "\\u%04X\\u%04x", 0xd800 + (c >> 10),
                 0xdc00 + (c & 0x3ff));
    }

    random_write(text);
}


/* Mostly short, and now and then about as long as may be. */

static size_t
random_length(size_t max)
{
    switch (random_below(64)) {

    case 0:
        return max - 4 + random_below(12);

    case 1:
        return random_below(max);

    default:
        return random_below(10);
    }
}


/* Appends a JSON string of a new text: one of at most max + 10 bytes. */

static void
random_write_text(random_text_t *text, size_t max)
{
    int       dirty;
    size_t    len;
    unsigned  c;

    dirty = random_below(32) == 0;
    len = random_length(max);

    text->len = 0;
    text->unsafe = 0;

    random_write("\"");

    while (text->len < len) {
        c = random_char(dirty);
        text->len += random_utf8(text->data + text->len, c);

        text->unsafe |= c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028
                        || c == 0x2029;

        random_write_char(c);
    }

    random_write("\"");
}


/* ---- A token ------------------------------------------------------------ */

static void
random_write_list(random_list_t *list, size_t max)
{
    size_t  i;

    list->n = random_below(RANDOM_ITEMS + 1);

    random_write("[");

    for (i = 0; i < list->n; i++) {
        random_write(i ? "," : "");
        random_write_text(&list->item[i], max);
    }

    random_write("]");
}


static void
random_write_wallets(void)
{
    size_t  i;

    random_token.address.n = random_below(RANDOM_ITEMS + 1);
    random_token.type.n = random_token.address.n;

    random_write("[");

    for (i = 0; i < random_token.address.n; i++) {
        random_write(i ? ",{\"type\":" : "{\"type\":");
        random_write_text(&random_token.type.item[i], 16);
        random_write(",\"address\":");
        random_write_text(&random_token.address.item[i], 64);
        random_write("}");
    }

    random_write("]");
}


static void
random_write_token(void)
{
    size_t  i;

    random_now.len = 0;
    random_write("{");

    for (i = 0; i < RANDOM_FIELDS; i++) {
        random_write("\"");
        random_write(random_fields[i].name);
        random_write("\":");
        random_write_text(&random_token.text[i], random_fields[i].max);
        random_write(",");
    }

    random_write("\"roles\":");
    random_write_list(&random_token.roles, 32);

    random_write(",\"wallets\":");
    random_write_wallets();

    random_write(",\"plan\":");
    random_write_text(&random_token.claim, PARA_CLAIM_VALUE_MAX);

    random_write(",\"groups\":");
    random_write_list(&random_token.claims, PARA_CLAIM_VALUE_MAX / 4);
    random_write("}");

    /* the operator's own text, which is not UTF-8 for certain */

    random_token.issuer.len = random_below(24);

    for (i = 0; i < random_token.issuer.len; i++) {
        random_token.issuer.data[i] = (unsigned char) random_below(256);
    }
}


/* ---- What the rule says ------------------------------------------------- */

static void
random_judge(const random_text_t *text, size_t max, int *unsafe, int *size)
{
    *unsafe |= text->unsafe;
    *size |= text->len > max;
}


static void
random_judge_list(const random_list_t *list, int *unsafe, size_t *len)
{
    size_t  i;

    for (i = 0; i < list->n; i++) {
        *unsafe |= list->item[i].unsafe;
        *len += list->item[i].len;
    }
}


/* 1 if rc is as it must be.  A wallet needs a type if it has an address. */

static int
random_is_due(para_reason_e rc)
{
    int     unsafe, size, type;
    size_t  i, len;

    unsafe = 0;
    size = 0;
    type = 0;
    len = 0;

    for (i = 0; i < RANDOM_FIELDS; i++) {
        random_judge(&random_token.text[i], random_fields[i].max, &unsafe,
                     &size);
    }

    random_judge(&random_token.claim, PARA_CLAIM_VALUE_MAX, &unsafe, &size);
    random_judge_list(&random_token.roles, &unsafe, &len);

    for (i = 0; i < random_token.address.n; i++) {
        if (random_token.address.item[i].len != 0) {
            unsafe |= random_token.address.item[i].unsafe
                      | random_token.type.item[i].unsafe;
            type |= random_token.type.item[i].len == 0;
        }
    }

    len = 0;
    random_judge_list(&random_token.claims, &unsafe, &len);
    size |= len > PARA_CLAIM_VALUE_MAX;

    switch (rc) {

    case PARA_OK:
        return !unsafe && !size && !type;

    case PARA_CLAIM_UNSAFE:
        return unsafe;

    case PARA_CLAIM_SIZE:
        return size;

    case PARA_CLAIM_TYPE:
        return type;

    default:
        return 0;
    }
}


/* ---- What came of it ---------------------------------------------------- */

static int
random_digit(unsigned char c)
{
    assert_true((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'));

    return c <= '9' ? c - '0' : c - 'A' + 10;
}


/* Takes a part of a value off its beginning, up to a separator: this text. */

static void
random_read(para_span_t *value, int separator, const random_text_t *text)
{
    size_t         i, n;
    unsigned char  c;

    n = 0;

    for (i = 0; i < value->len && value->data[i] != separator; i++) {
        c = value->data[i];

        assert_in_range(c, 0x20, 0x7e);
        assert_true(c != ' ' || (i != 0 && i != value->len - 1));

        if (c == '%') {
            assert_true(value->len - i > 2);
            c = (unsigned char) (16 * random_digit(value->data[i + 1])
                                 + random_digit(value->data[i + 2]));
            i += 2;

            assert_true(c <= ' ' || c >= 0x7f || c == '%' || c == ','
                        || c == ':');
        }

        assert_true(n < text->len);
        assert_int_equal(c, text->data[n]);
        n++;
    }

    assert_int_equal(n, text->len);
    assert_int_equal(i < value->len, separator >= 0);

    if (i < value->len) {
        i++;
    }

    *value = para_span(value->data + i, value->len - i);
}


static void
random_check_text(para_span_t value, const random_text_t *text)
{
    if (text->len == 0) {
        assert_absent(value);
        return;
    }

    random_read(&value, -1, text);
    assert_int_equal(value.len, 0);
}


/* Of wallets, or of texts if there are no types. */

static void
random_check_list(para_span_t value, const random_list_t *list,
    const random_list_t *type)
{
    size_t  i, left;

    left = 0;

    for (i = 0; i < list->n; i++) {
        left += list->item[i].len != 0;
    }

    assert_int_equal(value.data == NULL, left == 0);

    for (i = 0; i < list->n; i++) {

        if (list->item[i].len == 0) {
            continue;
        }

        if (type != NULL) {
            random_read(&value, ':', &type->item[i]);
        }

        random_read(&value, --left != 0 ? ',' : -1, &list->item[i]);
    }

    assert_int_equal(value.len, 0);
}


static void
random_check(const para_identity_t *identity)
{
    size_t       i;
    para_span_t  claims;

    for (i = 0; i < RANDOM_FIELDS; i++) {
        random_check_text(identity->field[random_fields[i].field],
                          &random_token.text[i]);
    }

    random_check_text(identity->field[PARA_ID_ISSUER], &random_token.issuer);
    random_check_list(identity->field[PARA_ID_ROLES], &random_token.roles,
                      NULL);
    random_check_list(identity->field[PARA_ID_WALLETS], &random_token.address,
                      &random_token.type);

    claims = identity->field[PARA_ID_CLAIMS];

    random_check_text(para_claim_value(claims, 2, 0), &random_token.claim);
    random_check_list(para_claim_value(claims, 2, 1), &random_token.claims,
                      NULL);
}


/* ---- Runs --------------------------------------------------------------- */

/* Bytes that are no UTF-8, RFC 3629 4, somewhere: the token says nothing. */

static void
random_break(void)
{
    size_t       at;
    const char  *text;

    static const char *const  bytes[] = {
        "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xe0\x80\xaf",
        "\xe2\x80", "\xed\xa0\x80", "\xf0\x80\x80\xaf", "\xf0\x9f\x98",
        "\xf4\x90\x80\x80", "\xf5", "\xff", "\\ud800", "\\udc00x",
        "\\u0000", "\n"
    };

    text = bytes[random_below(unit_count(bytes))];
    at = strlen("{\"para_user_id\":\"");

    memmove(random_now.json + at + strlen(text), random_now.json + at,
            random_now.len - at);
    memcpy(random_now.json + at, text, strlen(text));
    random_now.len += strlen(text);
}


static para_reason_e
random_build(para_identity_t *identity, para_json_t *claims)
{
    para_token_t   token;
    para_issuer_t  issuer;

    static const para_span_t  path[] = {
        { (const unsigned char *) "plan", 4 },
        { (const unsigned char *) "groups", 6 }
    };

    static const para_claim_set_t  set = { path, 2 };

    memset(&token, 0, sizeof(token));
    memset(&issuer, 0, sizeof(issuer));

    para_issuer_default_map(PARA_ISSUER_OWN, issuer.map);
    issuer.map[PARA_CLAIM_WALLETS].path[0] = PARA_SPAN("wallets");
    issuer.map[PARA_CLAIM_WALLETS].paths = 1;
    issuer.name = para_span(random_token.issuer.data,
                            random_token.issuer.len);

    token.verdict = PARA_OK;
    token.issuer = &issuer;
    token.claims = claims;

    return para_identity_build(identity, &token, NULL, PARA_MATCH_STRICT,
                               &set);
}


static void
random_run(void)
{
    int              broken;
    para_json_t     *claims;
    para_reason_e    rc;
    para_identity_t  identity;

    random_write_token();

    broken = random_below(50) == 0;

    if (broken) {
        random_break();
    }

    claims = para_json_parse(para_span(random_now.json, random_now.len),
                             sizeof(random_now.json));
    assert_int_equal(claims == NULL, broken);

    if (broken) {
        return;
    }

    rc = random_build(&identity, claims);
    para_json_free(claims);

    if (!random_is_due(rc)) {
        fail_msg("%s", para_reason_name(rc));
    }

    if (rc == PARA_OK) {
        random_check(&identity);
        random_now.good++;
    }

    para_identity_free(&identity);
}


static unsigned long long
random_setting(const char *name, unsigned long long usual)
{
    const char  *value;

    value = getenv(name);

    return value != NULL ? strtoull(value, NULL, 10) : usual;
}


static void
test_any_identity(void **state)
{
    unsigned long long  seed, runs;

    (void) state;

    seed = random_setting("PARA_TEST_SEED", (unsigned long long) time(NULL));
    runs = random_setting("PARA_TEST_RUNS", RANDOM_RUNS);

    print_message("# PARA_TEST_SEED=%llu\n", seed);

    random_now.state = seed;

    for (random_now.run = 0; random_now.run < runs; random_now.run++) {
        random_run();
    }

    print_message("# %lu of %llu were good\n", random_now.good, runs);

    /* both have been seen */

    assert_in_range(random_now.good, runs / 4, runs - runs / 10);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_any_identity)
    };

    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
