
/*
 * The load of "make soak": many requests of many users over kept-alive and
 * pipelined connections, each answer held against what its request may get.
 * t/soak/run tells it, on standard input, a line each (a tag is something that
 * credentials depend on: a session, a token, a key):
 *
 *   pair LABEL STATUS TAG[,TAG...] N M     one more set of credentials: what it
 *                                          gets while all its tags are good;
 *                                          then N bytes of request headers and
 *                                          M of identity, as the upstream says
 *   either TAG                             from now on it may be refused too
 *   good TAG                               and now may not any more
 *   refuse TAG MILLISECONDS                must be refused, after that time
 *   leaving PID                            that worker may close connections
 *                                          between two answers
 *   killed PID                             and that one anywhere
 *   start                                  the requests begin
 *   sync                                   "synced" is the answer
 *
 *   soak PORT REQUESTS CONNECTIONS RATE SEED      (a RATE of 0: no limit)
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>


#define TAGS_PER_PAIR   4
#define DEPTH_MAX       16
#define OUT_SIZE        (DEPTH_MAX * 20 * 1024)
#define IN_SIZE         (64 * 1024)
#define CONTROL_SIZE    (256 * 1024)
#define TRIES_MAX       12
#define FAULTS_SHOWN    8

#define MS              INT64_C(1000000)
#define SECOND          (1000 * MS)

/* for how long it may be a worker that has gone which accepted a connection */

#define GONE_WINDOW     (2 * SECOND)

#define ANSWER_TIMEOUT  (30 * SECOND)
#define CONNECT_PAUSE   (50 * MS)

#define LONG_AGO        (-1000 * SECOND)


typedef enum { GOOD = 0, EITHER, REFUSE } state_e;


typedef struct {
    state_e   state;
    int64_t   good_since;
    int64_t   refuse_from;
} tag_t;


typedef struct {
    char      *label;
    int        status;
    unsigned   tags[TAGS_PER_PAIR];
    unsigned   ntags;
    char      *headers;
    size_t     headers_len;
    char      *identity;
} pair_t;


typedef struct {
    uint64_t   id;
    pair_t    *pair;
    int64_t    sent;
    unsigned   tries;
    unsigned   forged;
    unsigned   post;
} request_t;


typedef struct {
    int         fd;
    unsigned    depth;
    pid_t       worker;             /* 0: it has not answered yet */
    int64_t     again;              /* not to be connected before */
    unsigned    closing;

    request_t   queue[DEPTH_MAX];   /* on their way, in order */
    unsigned    nqueue;

    char       *out;
    size_t      out_len;
    size_t      out_sent;
    char       *in;
    size_t      in_len;
} conn_t;


static struct {
    uint64_t   ok;
    uint64_t   refused;
    uint64_t   either;              /* refused, when both would have done */
    uint64_t   given_up;
    uint64_t   died;
    uint64_t   resent;

    uint64_t   wrong;
    uint64_t   let_in;
    uint64_t   unexpected;
    uint64_t   cut;
    uint64_t   closed;
    uint64_t   lost;
} count;


typedef struct {
    pid_t     *pids;
    size_t     n;
    int64_t    last;
} gone_t;


/* what a client may wish to be; only nginx says who it is */

static const char *forgeries[] = {
    "",
    "X-Para-User-Id: mallory\r\nX-Para-Roles: admin\r\n",
    "x-para-user-id: mallory\r\nX_Para_Roles: admin\r\n"
        "X-Para-Wallets: EVM:0x00\r\n",
    "X-PARA-IDENTIFIER: mallory@example.com\r\nX-Para-Auth-Type: email\r\n"
        "X.Para.Internal.User.Id: root\r\nX-Para-Internal-User-Id: root\r\n",
};

#define NFORGERIES  (sizeof(forgeries) / sizeof(forgeries[0]))


static tag_t      *tags;
static size_t      ntags;
static pair_t    **pairs;
static size_t      npairs, pairs_alloc;
static conn_t     *conns;
static size_t      nconns;
static gone_t      leaving = { NULL, 0, LONG_AGO };
static gone_t      killed = { NULL, 0, LONG_AGO };
static request_t  *again;           /* those to be sent once more */
static size_t      nagain, again_alloc;

static uint64_t    total, issued, done, rate, rnd;
static int64_t     started;
static int         epfd, port;
static char        control[CONTROL_SIZE];
static size_t      control_len;


static int64_t
now_ns(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return ts.tv_sec * SECOND + ts.tv_nsec;
}


static void
die(const char *what)
{
    fprintf(stderr, "soak: %s: %s\n", what, strerror(errno));
    exit(2);
}


static void *
grow(void *p, size_t size)
{
    p = realloc(p, size);
    if (p == NULL) {
        die("realloc");
    }

    return p;
}


/* xorshift64*: the same choices for the same seed */

static uint64_t
choose(uint64_t n)
{
    rnd ^= rnd >> 12;
    rnd ^= rnd << 25;
    rnd ^= rnd >> 27;

    return ((rnd * UINT64_C(2685821657736338717)) >> 32) % n;
}


static void
fault(uint64_t *counter, const request_t *r, const char *what, int status,
    const char *got)
{
    if ((*counter)++ < FAULTS_SHOWN) {
        fprintf(stderr, "soak: %.3f s, request %" PRIu64 " (%s, %d): %s; got "
                "%d %s\n", (double) (now_ns() - started) / SECOND, r->id,
                r->pair->label, r->pair->status, what, status, got);
    }
}


/* What a pair may get. */

static int
must_refuse(const pair_t *pair, int64_t sent)
{
    unsigned      i;
    const tag_t  *tag;

    if (pair->status != 200) {
        return 1;
    }

    for (i = 0; i < pair->ntags; i++) {
        tag = &tags[pair->tags[i]];

        if (tag->state == REFUSE && sent >= tag->refuse_from) {
            return 1;
        }
    }

    return 0;
}


static int
may_refuse(const pair_t *pair, int64_t sent)
{
    unsigned      i;
    const tag_t  *tag;

    for (i = 0; i < pair->ntags; i++) {
        tag = &tags[pair->tags[i]];

        if (tag->state != GOOD || tag->good_since > sent) {
            return 1;
        }
    }

    return 0;
}


static void
judge(const request_t *r, int status, const char *echoed, const char *code,
    const char *body)
{
    char           id[32];
    size_t         n;
    const pair_t  *pair = r->pair;

    n = (size_t) snprintf(id, sizeof(id), "%" PRIu64 " ", r->id);

    if (strncmp(echoed, id, n - 1) != 0 || echoed[n - 1] != '\0') {
        fault(&count.wrong, r, "the answer is another request's", status,
              echoed);
        return;
    }

    if (status == 200) {

        if (strncmp(body, id, n) != 0
            || (pair->status == 200 && strcmp(body + n, pair->identity) != 0))
        {
            fault(&count.wrong, r, "another identity", status, body);

        } else if (must_refuse(pair, r->sent)) {
            fault(&count.let_in, r, "is not to be let in", status, body);

        } else {
            count.ok++;
        }

        return;
    }

    if (must_refuse(pair, r->sent)) {

        /* whatever else is wrong, the token may have ended as well */

        if (status == (pair->status == 200 ? 401 : pair->status)
            || (status == 401 && may_refuse(pair, r->sent)))
        {
            count.refused++;

        } else {
            fault(&count.unexpected, r, "refused otherwise", status, code);
        }

        return;
    }

    if (status == 401 && may_refuse(pair, r->sent)) {
        count.either++;
        return;
    }

    fault(&count.unexpected, r, "is to be let in", status, code);
}


/* Connections. */

static void
add_gone(gone_t *gone, pid_t pid, int64_t now)
{
    gone->pids = grow(gone->pids, (gone->n + 1) * sizeof(pid_t));
    gone->pids[gone->n++] = pid;
    gone->last = now;
}


static int
by_gone(const gone_t *gone, const conn_t *c, int64_t now)
{
    size_t  i;

    if (c->worker == 0) {
        return now - gone->last < GONE_WINDOW;
    }

    for (i = gone->n; i > 0; i--) {
        if (gone->pids[i - 1] == c->worker) {
            return 1;
        }
    }

    return 0;
}


static void
send_again(request_t r)
{
    if (++r.tries > TRIES_MAX) {
        fault(&count.lost, &r, "lost, however often it was sent", 0, "");
        done++;
        return;
    }

    if (nagain == again_alloc) {
        again_alloc = again_alloc ? 2 * again_alloc : 1024;
        again = grow(again, again_alloc * sizeof(request_t));
    }

    again[nagain++] = r;
}


static void
drop(conn_t *c)
{
    close(c->fd);

    c->fd = -1;
    c->worker = 0;
    c->closing = 0;
    c->nqueue = 0;
    c->in_len = 0;
    c->out_len = 0;
    c->out_sent = 0;
}


/*
 * The server has closed.  A worker that is killed takes with it what it had;
 * one that a reload ends closes between two answers, and so does nginx where it
 * says so, as with each 400: what was not answered is to be sent again (RFC
 * 9112, section 9.3.1).  Nothing else closes.
 */

static void
closed_by_server(conn_t *c, int64_t now)
{
    size_t     i;
    uint64_t  *counter;

    if (by_gone(&killed, c, now)) {
        counter = &count.died;

    } else if (c->in_len) {
        counter = &count.cut;

    } else if (c->closing || by_gone(&leaving, c, now)) {
        counter = &count.resent;

    } else {
        counter = &count.closed;
    }

    for (i = 0; i < c->nqueue; i++) {

        if (counter == &count.cut || counter == &count.closed) {
            fault(counter, &c->queue[i], "the connection is closed", 0, "");

        } else {
            (*counter)++;
        }

        send_again(c->queue[i]);
    }

    drop(c);
}


static void
abort_by_client(conn_t *c)
{
    struct linger  linger = { 1, 0 };

    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));

    count.given_up += c->nqueue;
    done += c->nqueue;

    drop(c);
}


static void
open_connection(conn_t *c, int64_t now)
{
    int                 one = 1;
    struct sockaddr_in  sin;
    struct epoll_event  ee;

    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd == -1) {
        die("socket");
    }

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_port = htons((uint16_t) port);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    if (connect(c->fd, (struct sockaddr *) &sin, sizeof(sin)) == -1) {
        close(c->fd);
        c->fd = -1;
        c->again = now + CONNECT_PAUSE;
        return;
    }

    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));

    ee.events = EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP;
    ee.data.ptr = c;

    if (epoll_ctl(epfd, EPOLL_CTL_ADD, c->fd, &ee) == -1) {
        die("epoll_ctl");
    }
}


static pair_t *
choose_pair(int64_t now)
{
    pair_t    *pair;
    unsigned   try;

    /* of those that have ended in the run, only a few */

    for (try = 0; try < 4; try++) {
        pair = pairs[choose(npairs)];

        if (pair->status != 200 || !must_refuse(pair, now)) {
            break;
        }
    }

    return pair;
}


static int
next_request(request_t *r, int64_t now)
{
    if (nagain) {
        *r = again[--nagain];
        return 1;
    }

    if (issued == total
        || (rate && issued >= rate * (uint64_t) (now - started) / SECOND))
    {
        return 0;
    }

    r->id = ++issued;
    r->pair = choose_pair(now);
    r->tries = 0;
    r->forged = choose(2) ? 0 : (unsigned) choose(NFORGERIES);
    r->post = choose(16) == 0;

    return 1;
}


static void
add_request(conn_t *c, request_t *r, int64_t now)
{
    r->sent = now;

    c->out_len += (size_t) sprintf(c->out + c->out_len,
                              "%s /r?n=%" PRIu64 " HTTP/1.1\r\nHost: soak\r\n"
                              "%s", r->post ? "POST" : "GET", r->id,
                              forgeries[r->forged]);

    memcpy(c->out + c->out_len, r->pair->headers, r->pair->headers_len);
    c->out_len += r->pair->headers_len;

    c->out_len += (size_t) sprintf(c->out + c->out_len, "%s\r\n%s",
                              r->post ? "Content-Length: 12\r\n" : "",
                              r->post ? "hello, world" : "");

    c->queue[c->nqueue++] = *r;
}


static void
write_requests(conn_t *c)
{
    ssize_t  n;

    while (c->out_sent < c->out_len) {

        n = send(c->fd, c->out + c->out_sent, c->out_len - c->out_sent,
                 MSG_NOSIGNAL);

        if (n == -1) {
            /* what is wrong, if anything is, is read */
            return;
        }

        c->out_sent += (size_t) n;
    }

    c->out_sent = 0;
    c->out_len = 0;
}


static void
work(conn_t *c, int64_t now)
{
    request_t  r;

    /* a pipelining one sends when it has nothing on its way, all at once */

    if (c->closing || c->out_len || c->nqueue) {
        return;
    }

    if (c->fd == -1) {
        if (now < c->again || (issued == total && nagain == 0)) {
            return;
        }

        open_connection(c, now);

        if (c->fd == -1) {
            return;
        }
    }

    while (c->nqueue < c->depth && next_request(&r, now)) {
        add_request(c, &r, now);
    }

    write_requests(c);
}


/* the value of a header, which ends there; "" without one */

static char *
header(char *head, const char *name)
{
    char  *p, *end;

    p = strcasestr(head, name);
    if (p == NULL) {
        return "";
    }

    p += strlen(name);
    end = strstr(p, "\r\n");

    return strndup(p, end ? (size_t) (end - p) : strlen(p));
}


static void
release(char *value)
{
    if (*value) {
        free(value);
    }
}


/* A whole one, head and body each with an end. */

static void
take_answer(conn_t *c, int status, const char *body)
{
    char  *echoed, *code, *worker, *connection;

    echoed = header(c->in, "\r\nX-Soak-Request: ");
    code = header(c->in, "\r\nX-Soak-Status: ");
    worker = header(c->in, "\r\nX-Soak-Worker: ");
    connection = header(c->in, "\r\nConnection: ");

    judge(&c->queue[0], status, echoed, code, body);

    c->worker = (pid_t) strtol(worker, NULL, 10);
    c->closing = strcasecmp(connection, "close") == 0;

    release(echoed);
    release(code);
    release(worker);
    release(connection);
}


/* One answer; 0 if it is not whole, -1 if it is none. */

static int
read_answer(conn_t *c)
{
    int     status;
    char   *end, *body, *length, saved;
    size_t  head_len, body_len;

    c->in[c->in_len] = '\0';

    end = strstr(c->in, "\r\n\r\n");
    if (end == NULL) {
        return 0;
    }

    head_len = (size_t) (end - c->in) + 4;

    if (c->nqueue == 0 || sscanf(c->in, "HTTP/1.1 %d", &status) != 1) {
        return -1;
    }

    *end = '\0';
    length = header(c->in, "\r\nContent-Length: ");
    body_len = (size_t) strtoul(length, NULL, 10);
    release(length);

    if (head_len + body_len > IN_SIZE) {
        return -1;
    }

    if (c->in_len < head_len + body_len) {
        *end = '\r';
        return 0;
    }

    body = c->in + head_len;
    saved = body[body_len];
    body[body_len] = '\0';

    take_answer(c, status, body);

    body[body_len] = saved;

    c->in_len -= head_len + body_len;
    memmove(c->in, body + body_len, c->in_len);

    c->nqueue--;
    memmove(c->queue, c->queue + 1, c->nqueue * sizeof(request_t));
    done++;

    return 1;
}


static void
read_answers(conn_t *c, int64_t now)
{
    int      rc;
    ssize_t  n;

    for ( ;; ) {
        n = recv(c->fd, c->in + c->in_len, IN_SIZE - c->in_len, 0);

        if (n == -1 && errno == EAGAIN) {
            return;
        }

        if (n <= 0) {
            closed_by_server(c, now);
            return;
        }

        c->in_len += (size_t) n;

        while ((rc = read_answer(c)) == 1) { /* void */ }

        if (rc == -1 || c->in_len == IN_SIZE) {
            fprintf(stderr, "soak: this is no answer: %.200s\n", c->in);
            count.cut++;
            closed_by_server(c, now);
            return;
        }

        if (c->nqueue && choose(20000) == 0) {
            abort_by_client(c);
            return;
        }
    }
}


static void
look_for_lost(int64_t now)
{
    size_t   i, k;
    conn_t  *c;

    for (i = 0; i < nconns; i++) {
        c = &conns[i];

        if (c->nqueue == 0 || now - c->queue[0].sent < ANSWER_TIMEOUT) {
            continue;
        }

        for (k = 0; k < c->nqueue; k++) {
            fault(&count.lost, &c->queue[k], "no answer", 0, "");
            done++;
        }

        drop(c);
    }
}


/* What the driver says. */

static tag_t *
tag_of(const char *number)
{
    size_t  n = strtoul(number, NULL, 10);

    while (n >= ntags) {
        tags = grow(tags, (ntags + 1024) * sizeof(tag_t));
        memset(tags + ntags, 0, 1024 * sizeof(tag_t));
        ntags += 1024;
    }

    return &tags[n];
}


/* How much it is, with the bytes behind the line; 0 if those are missing. */

static size_t
read_pair(char *line, size_t len, size_t available)
{
    char     label[128], list[128], *p;
    int      status;
    size_t   hlen, ilen;
    pair_t  *pair;

    if (sscanf(line, "pair %127s %d %127s %zu %zu", label, &status, list, &hlen,
               &ilen) != 5)
    {
        errno = EINVAL;
        die(line);
    }

    len++;

    if (len + hlen + ilen > available) {
        return 0;
    }

    pair = grow(NULL, sizeof(pair_t));
    memset(pair, 0, sizeof(pair_t));

    pair->label = strdup(label);
    pair->status = status;

    for (p = strtok(list, ","); p && pair->ntags < TAGS_PER_PAIR;
         p = strtok(NULL, ","))
    {
        tag_of(p);
        pair->tags[pair->ntags++] = (unsigned) strtoul(p, NULL, 10);
    }

    pair->headers = grow(NULL, hlen + 1);
    memcpy(pair->headers, line + len, hlen);
    pair->headers_len = hlen;
    pair->identity = strndup(line + len + hlen, ilen);

    if (npairs == pairs_alloc) {
        pairs_alloc = pairs_alloc ? 2 * pairs_alloc : 4096;
        pairs = grow(pairs, pairs_alloc * sizeof(pair_t *));
    }

    pairs[npairs++] = pair;

    return len + hlen + ilen;
}


static void
obey(char *line, int64_t now)
{
    char    word[16], arg[32];
    long    ms = 0;
    tag_t  *tag;

    arg[0] = '\0';
    sscanf(line, "%15s %31s %ld", word, arg, &ms);

    if (strcmp(word, "sync") == 0) {
        puts("synced");
        fflush(stdout);

    } else if (strcmp(word, "start") == 0) {
        started = now;

    } else if (strcmp(word, "leaving") == 0) {
        add_gone(&leaving, (pid_t) strtol(arg, NULL, 10), now);

    } else if (strcmp(word, "killed") == 0) {
        add_gone(&killed, (pid_t) strtol(arg, NULL, 10), now);

    } else {
        tag = tag_of(arg);

        if (strcmp(word, "either") == 0) {
            tag->state = EITHER;

        } else if (strcmp(word, "good") == 0) {
            tag->state = GOOD;
            tag->good_since = now;

        } else if (strcmp(word, "refuse") == 0) {
            tag->state = REFUSE;
            tag->refuse_from = now + ms * MS;

        } else {
            errno = EINVAL;
            die(line);
        }
    }
}


static void
read_control(int64_t now)
{
    char     *line, *end;
    size_t    left, used;
    ssize_t   n;

    n = read(STDIN_FILENO, control + control_len, CONTROL_SIZE - control_len);

    if (n == -1 && errno == EAGAIN) {
        return;
    }

    if (n <= 0) {
        fprintf(stderr, "soak: the driver has gone\n");
        exit(2);
    }

    control_len += (size_t) n;
    line = control;

    for (left = control_len; left; line += used, left -= used) {

        end = memchr(line, '\n', left);
        if (end == NULL) {
            break;
        }

        *end = '\0';
        used = (size_t) (end - line) + 1;

        if (strncmp(line, "pair ", 5) == 0) {
            used = read_pair(line, used - 1, left);

            if (used == 0) {
                *end = '\n';
                break;
            }

        } else {
            obey(line, now);
        }
    }

    memmove(control, line, left);
    control_len = left;
}


static int
report(int64_t took)
{
    uint64_t  bad;
    double    seconds = (double) took / SECOND;

    bad = count.wrong + count.let_in + count.unexpected + count.cut
          + count.closed + count.lost;

    printf("requests                     %10" PRIu64 "\n", done);
    printf("seconds                      %10.1f\n", seconds);
    printf("requests/s                   %10.0f\n", (double) done / seconds);
    printf("credentials                  %10zu\n", npairs);
    printf("ok, as who they are          %10" PRIu64 "\n", count.ok);
    printf("refused, as expected         %10" PRIu64 "\n", count.refused);
    printf("refused while being ended    %10" PRIu64 "\n", count.either);
    printf("given up by the client       %10" PRIu64 "\n", count.given_up);
    printf("sent again after a close     %10" PRIu64 "\n", count.resent);
    printf("sent again after kill -9     %10" PRIu64 "\n", count.died);
    printf("wrong identity               %10" PRIu64 "\n", count.wrong);
    printf("let in, to be refused        %10" PRIu64 "\n", count.let_in);
    printf("refused, to be let in        %10" PRIu64 "\n", count.unexpected);
    printf("answers cut off              %10" PRIu64 "\n", count.cut);
    printf("closed without a reason      %10" PRIu64 "\n", count.closed);
    printf("lost                         %10" PRIu64 "\n", count.lost);

    return bad ? 1 : 0;
}


static void
prepare(char **argv)
{
    size_t              k;
    conn_t             *c;
    struct epoll_event  ee;

    port = atoi(argv[1]);
    total = strtoull(argv[2], NULL, 10);
    nconns = strtoul(argv[3], NULL, 10);
    rate = strtoull(argv[4], NULL, 10);
    rnd = strtoull(argv[5], NULL, 10) * 2 + 1;

    epfd = epoll_create1(0);
    conns = calloc(nconns, sizeof(conn_t));

    if (epfd == -1 || conns == NULL) {
        die("start");
    }

    for (k = 0; k < nconns; k++) {
        c = &conns[k];
        c->fd = -1;
        c->depth = k % 2 ? 1 + (unsigned) choose(DEPTH_MAX) : 1;
        c->in = grow(NULL, IN_SIZE + 1);
        c->out = grow(NULL, OUT_SIZE);
    }

    ee.events = EPOLLIN;
    ee.data.ptr = NULL;

    if (epoll_ctl(epfd, EPOLL_CTL_ADD, STDIN_FILENO, &ee) == -1) {
        die("epoll_ctl");
    }
}


/* What has come, from the driver or from the server. */

static void
listen_to_all(void)
{
    int                 n, i;
    conn_t             *c;
    int64_t             now;
    struct epoll_event  events[256];

    n = epoll_wait(epfd, events, 256, 10);
    now = now_ns();

    for (i = 0; i < n; i++) {
        c = events[i].data.ptr;

        if (c == NULL) {
            read_control(now);

        } else if (c->fd != -1) {
            write_requests(c);
            read_answers(c, now);
        }
    }
}


int
main(int argc, char **argv)
{
    size_t   k;
    int64_t  now, looked;

    if (argc != 6) {
        fprintf(stderr, "usage: soak PORT REQUESTS CONNECTIONS RATE SEED\n");
        return 2;
    }

    prepare(argv);

    looked = now_ns();

    while (started == 0 || done < total) {

        listen_to_all();

        if (started == 0) {
            continue;
        }

        now = now_ns();

        for (k = 0; k < nconns; k++) {
            work(&conns[k], now);
        }

        if (now - looked > SECOND) {
            look_for_lost(now);
            looked = now;
        }
    }

    return report(now_ns() - started);
}
