#include "ngx_para_keys.h"
#include "ngx_para_keys_file.h"


#define NGX_PARA_KEYS_LEASE     (NGX_PARA_KEYS_FETCH_TIME + 2000) /* ms */
#define NGX_PARA_KEYS_JITTER    50              /* ms, between the workers */
#define NGX_PARA_KEYS_AGAIN     1000            /* ms, to look who fetches */


static void ngx_para_keys_timer(ngx_event_t *ev);
static void ngx_para_keys_schedule(ngx_para_keys_t *keys, ngx_msec_t least);
static void ngx_para_keys_fetched(void *data,
    const ngx_para_fetch_answer_t *answer);
static ngx_para_keys_outcome_e ngx_para_keys_judge(ngx_para_keys_t *keys,
    const ngx_para_fetch_answer_t *answer, para_jwks_t **set,
    const char **why);
static unsigned ngx_para_keys_algorithms(const ngx_para_keys_t *keys);
static ngx_int_t ngx_para_keys_end(ngx_para_keys_t *keys,
    ngx_para_keys_outcome_e outcome, const ngx_para_fetch_answer_t *answer,
    ngx_uint_t *generation);
static void ngx_para_keys_keep(ngx_para_keys_t *keys);
static void ngx_para_keys_adopt(ngx_para_keys_t *keys);
static void ngx_para_keys_use(ngx_para_keys_t *keys, para_jwks_t *set);


/* What became of a fetch, in the words of a key set. */

static const ngx_para_keys_outcome_e  ngx_para_keys_fetch_outcome[] = {
    [NGX_PARA_FETCH_OK] = NGX_PARA_KEYS_NEW,
    [NGX_PARA_FETCH_NOT_MODIFIED] = NGX_PARA_KEYS_SAME,
    [NGX_PARA_FETCH_STATUS] = NGX_PARA_KEYS_STATUS,
    [NGX_PARA_FETCH_REDIRECT] = NGX_PARA_KEYS_REDIRECT,
    [NGX_PARA_FETCH_SIZE] = NGX_PARA_KEYS_SIZE,
    [NGX_PARA_FETCH_DNS] = NGX_PARA_KEYS_DNS,
    [NGX_PARA_FETCH_CONNECT] = NGX_PARA_KEYS_CONNECT,
    [NGX_PARA_FETCH_TLS] = NGX_PARA_KEYS_TLS,
    [NGX_PARA_FETCH_TIMEOUT] = NGX_PARA_KEYS_TIMEOUT,
    [NGX_PARA_FETCH_BROKEN] = NGX_PARA_KEYS_BROKEN,
    [NGX_PARA_FETCH_MEMORY] = NGX_PARA_KEYS_MEMORY
};


static const ngx_para_keys_outcome_e  ngx_para_keys_fault_outcome[] = {
    [PARA_JWKS_GARBAGE] = NGX_PARA_KEYS_GARBAGE,
    [PARA_JWKS_EMPTY] = NGX_PARA_KEYS_EMPTY,
    [PARA_JWKS_TOO_LARGE] = NGX_PARA_KEYS_SIZE,
    [PARA_JWKS_SECRET] = NGX_PARA_KEYS_SECRET,
    [PARA_JWKS_DUPLICATE] = NGX_PARA_KEYS_DUPLICATE,
    [PARA_JWKS_NO_MEMORY] = NGX_PARA_KEYS_MEMORY
};


static ngx_inline ngx_uint_t
ngx_para_keys_is_stale(const ngx_para_keys_t *keys)
{
    return para_refresh_is_stale(&keys->policy,
                                 ngx_para_keys_zone_fetched(keys->zone),
                                 ngx_time());
}


void
ngx_para_keys_start(ngx_cycle_t *cycle, const ngx_array_t *sources)
{
    ngx_uint_t         i;
    ngx_para_keys_t  **keys;

    keys = sources->elts;

    for (i = 0; i < sources->nelts; i++) {

        /* the next fetch is no reason for a worker to stay */

        keys[i]->timer.handler = ngx_para_keys_timer;
        keys[i]->timer.data = keys[i];
        keys[i]->timer.log = cycle->log;
        keys[i]->timer.cancelable = 1;

        /* but requests that wait for it are */

        keys[i]->watch.handler = ngx_para_keys_watch;
        keys[i]->watch.data = keys[i];
        keys[i]->watch.log = cycle->log;

        ngx_para_keys_schedule(keys[i], 0);
    }
}


void
ngx_para_keys_stop(const ngx_array_t *sources)
{
    ngx_uint_t         i;
    ngx_para_keys_t  **keys;

    keys = sources->elts;

    for (i = 0; i < sources->nelts; i++) {

        if (keys[i]->fetch) {
            ngx_para_fetch_cancel(keys[i]->fetch);
            keys[i]->fetch = NULL;
            ngx_para_keys_zone_abandon(keys[i]->zone);
        }

        if (keys[i]->timer.timer_set) {
            ngx_del_timer(&keys[i]->timer);
        }

        ngx_para_keys_wake(keys[i], 1);
    }
}


static void
ngx_para_keys_timer(ngx_event_t *ev)
{
    ngx_para_keys_t  *keys;

    keys = ev->data;

    /* a worker that is to go leaves it to the next ones */

    if (ngx_exiting) {
        return;
    }

    if (ngx_para_keys_zone_due(keys->zone) == 0) {
        (void) ngx_para_keys_begin(keys, NGX_PARA_KEYS_DUE);
    }

    ngx_para_keys_schedule(keys, NGX_PARA_KEYS_AGAIN);
}


/* When the next one is due, in least (ms) at the earliest. */

static void
ngx_para_keys_schedule(ngx_para_keys_t *keys, ngx_msec_t least)
{
    ngx_msec_t  due;

    due = ngx_para_keys_zone_due(keys->zone);

    if (keys->timer.timer_set) {
        ngx_del_timer(&keys->timer);
    }

    ngx_add_timer(&keys->timer, ngx_max(due, least)
                                + ngx_random() % NGX_PARA_KEYS_JITTER);
}


ngx_int_t
ngx_para_keys_begin(ngx_para_keys_t *keys, ngx_para_keys_cause_e cause)
{
    u_char      buf[NGX_PARA_KEYS_ETAG_MAX];
    ngx_int_t   rc;
    ngx_str_t   etag;
    ngx_uint_t  generation;

    if (keys->fetch) {
        return NGX_BUSY;
    }

    rc = ngx_para_keys_zone_begin(keys->zone, cause, keys->conf.cooldown,
                                  NGX_PARA_KEYS_LEASE);
    if (rc != NGX_OK) {
        return rc;
    }

    etag.data = buf;
    ngx_para_keys_zone_read_etag(keys->zone, &etag);

    keys->began = ngx_time();
    keys->fetch = ngx_para_fetch_start(&keys->target, &etag,
                                       ngx_para_keys_fetched, keys,
                                       ngx_cycle->log);

    if (keys->fetch == NULL) {
        (void) ngx_para_keys_end(keys, NGX_PARA_KEYS_MEMORY, NULL,
                                 &generation);
        ngx_para_keys_report(keys, NGX_PARA_KEYS_MEMORY, 0, "");
    }

    return NGX_OK;
}


/* Whatever became of it, it ends here. */

static void
ngx_para_keys_fetched(void *data, const ngx_para_fetch_answer_t *answer)
{
    ngx_para_keys_t *keys = data;

    const char               *why;
    ngx_uint_t                failed, generation;
    para_jwks_t              *set;
    ngx_para_keys_outcome_e   outcome;

    keys->fetch = NULL;
    failed = 1;

    (void) ngx_para_keys_sync(keys);

    set = NULL;
    why = answer->error;
    outcome = ngx_para_keys_judge(keys, answer, &set, &why);

    if (ngx_para_keys_end(keys, outcome, answer, &generation) == NGX_OK) {

        ngx_para_keys_report(keys, outcome, answer->status, why);
        failed = outcome > NGX_PARA_KEYS_SAME;

        if (outcome == NGX_PARA_KEYS_NEW) {
            ngx_para_keys_use(keys, set);
            keys->generation = generation;
            ngx_para_keys_report_new(keys);
            set = NULL;
        }

        if (!failed && keys->file.len) {
            ngx_para_keys_keep(keys);
        }
    }

    para_jwks_free(set);

    ngx_para_keys_wake(keys, failed);
    ngx_para_keys_schedule(keys, 0);
}


static ngx_para_keys_outcome_e
ngx_para_keys_judge(ngx_para_keys_t *keys,
    const ngx_para_fetch_answer_t *answer, para_jwks_t **set,
    const char **why)
{
    if (answer->outcome != NGX_PARA_FETCH_OK) {
        return ngx_para_keys_fetch_outcome[answer->outcome];
    }

    *set = para_jwks_parse(para_span(answer->body.data, answer->body.len),
                           PARA_JWKS_REMOTE, why);

    if (*set == NULL) {
        return ngx_para_keys_fault_outcome[para_jwks_fault(*why)];
    }

    if (!(para_jwks_algorithms(*set) & ngx_para_keys_algorithms(keys))) {
        *why = "none of its keys is for an algorithm that is allowed";
        return NGX_PARA_KEYS_USELESS;
    }

    if (keys->set
        && ngx_memcmp(para_jwks_fingerprint(keys->set),
                      para_jwks_fingerprint(*set), PARA_FINGERPRINT_SIZE)
           == 0)
    {
        return NGX_PARA_KEYS_SAME;
    }

    return NGX_PARA_KEYS_NEW;
}


/* Those that an issuer of this source allows. */

static unsigned
ngx_para_keys_algorithms(const ngx_para_keys_t *keys)
{
    unsigned         mask;
    ngx_uint_t       i;
    para_issuer_t  **issuer;

    mask = 0;
    issuer = keys->issuers.elts;

    for (i = 0; i < keys->issuers.nelts; i++) {
        mask |= issuer[i]->algorithms;
    }

    return mask;
}


static ngx_int_t
ngx_para_keys_end(ngx_para_keys_t *keys, ngx_para_keys_outcome_e outcome,
    const ngx_para_fetch_answer_t *answer, ngx_uint_t *generation)
{
    int64_t                 lifetime;
    uint64_t                delay;
    unsigned                failures;
    ngx_para_keys_result_t  result;

    ngx_memzero(&result, sizeof(ngx_para_keys_result_t));

    lifetime = -1;
    failures = 0;

    if (outcome > NGX_PARA_KEYS_SAME) {
        failures = ngx_para_keys_zone_failures(keys->zone) + 1;

    } else {
        result.text = answer->body;
        result.etag = answer->etag;
        lifetime = para_refresh_lifetime(
                             para_span(answer->cache_control.data,
                                       answer->cache_control.len),
                             para_span(answer->age.data, answer->age.len));
    }

    delay = para_refresh_delay(&keys->policy, keys->set != NULL
                                              || failures == 0,
                               failures, lifetime);

    /* not all gateways at once */

    result.delay = (ngx_msec_t) (delay - ngx_random() % (delay / 10 + 1));
    result.outcome = outcome;
    result.fetched = keys->began;

    return ngx_para_keys_zone_end(keys->zone, &result, generation);
}


static void
ngx_para_keys_keep(ngx_para_keys_t *keys)
{
    u_char       buf[PARA_JWKS_MAX_SIZE];
    ngx_err_t    err;
    ngx_str_t    text;
    const char  *failed;

    text.data = buf;
    (void) ngx_para_keys_zone_read(keys->zone, &text);

    failed = ngx_para_keys_file_write(&keys->file, &keys->conf.url, &text,
                                      ngx_para_keys_zone_fetched(keys->zone),
                                      &err, ngx_cycle->log);

    if (ngx_para_keys_zone_tell(keys->zone, NGX_PARA_KEYS_FILE, failed != NULL)
        && failed)
    {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, err,
                      "para_auth: the key set of \"%V\" cannot be kept in "
                      "\"%V\", a restart while it cannot be fetched would find "
                      "no keys: %s failed", &keys->conf.url, &keys->file,
                      failed);
    }
}


const u_char *
ngx_para_keys_sync(ngx_para_keys_t *keys)
{
    static const u_char  none[PARA_FINGERPRINT_SIZE];

    if (keys->generation != ngx_para_keys_zone_generation(keys->zone)
        || (keys->set == NULL && keys->generation
            && !ngx_para_keys_is_stale(keys)))
    {
        ngx_para_keys_adopt(keys);
    }

    if (keys->set && ngx_para_keys_is_stale(keys)) {

        ngx_para_keys_use(keys, NULL);

        if (ngx_para_keys_zone_tell(keys->zone, NGX_PARA_KEYS_LOSS, 1)) {
            ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                          "para_auth: key set \"%V\" could not be fetched for "
                          "longer than jwks_max_stale (%T s): its tokens "
                          "cannot be verified until it is", &keys->conf.url,
                          keys->conf.max_stale);
        }
    }

    return keys->set ? para_jwks_fingerprint(keys->set) : none;
}


/* What another process has published, or found in the file. */

static void
ngx_para_keys_adopt(ngx_para_keys_t *keys)
{
    u_char        buf[PARA_JWKS_MAX_SIZE];
    ngx_str_t     text;
    const char   *why;
    ngx_uint_t    generation;
    para_jwks_t  *set;

    text.data = buf;
    generation = ngx_para_keys_zone_read(keys->zone, &text);

    set = para_jwks_parse(para_span(text.data, text.len), PARA_JWKS_REMOTE,
                          &why);

    /*
     * It was good when it was published: what it lacks is memory.  The one
     * before may have a key that was withdrawn, so there is none meanwhile.
     */

    ngx_para_keys_use(keys, set);

    if (set) {
        keys->generation = generation;

    } else {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "para_auth: key set \"%V\" cannot be taken over: %s",
                      &keys->conf.url, why);
    }
}


/* No token is being verified meanwhile: that is done in one go. */

static void
ngx_para_keys_use(ngx_para_keys_t *keys, para_jwks_t *set)
{
    ngx_uint_t       i;
    para_issuer_t  **issuer;

    issuer = keys->issuers.elts;

    for (i = 0; i < keys->issuers.nelts; i++) {
        issuer[i]->keys = set;
    }

    para_jwks_free(keys->set);
    keys->set = set;
}
