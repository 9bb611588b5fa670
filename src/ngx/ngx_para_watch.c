#include "ngx_para_watch.h"

#include <ngx_event.h>


typedef struct {
    ngx_queue_t                         link;
    ngx_connection_t                   *connection;  /* NULL: none yet */
    ngx_socket_t                        fd;
    ngx_uint_t                          events;
    void                               *data;
    unsigned                            pending:1;   /* not armed for events */
} ngx_para_watch_t;


static ngx_para_watch_t *ngx_para_watch_find(ngx_socket_t fd);
static ngx_para_watch_t *ngx_para_watch_find_pending(void);
static void ngx_para_watch_pending_handler(ngx_event_t *ev);
static ngx_int_t ngx_para_watch_connect(ngx_socket_t fd);
static ngx_int_t ngx_para_watch_arm(ngx_socket_t fd);
static ngx_int_t ngx_para_watch_arm_event(ngx_event_t *ev, ngx_int_t event,
    ngx_uint_t wanted);
static void ngx_para_watch_ready_handler(ngx_event_t *ev);
static void ngx_para_watch_post(ngx_para_watch_t *watch);
static void ngx_para_watch_release(ngx_connection_t *c, ngx_uint_t flags);


static ngx_queue_t                       ngx_para_watched;   /* a few */
static ngx_event_t                       ngx_para_watch_pending_event;
static const ngx_para_watch_handlers_t  *ngx_para_watch_handlers;


void
ngx_para_watch_init(const ngx_para_watch_handlers_t *handlers)
{
    ngx_queue_init(&ngx_para_watched);

    ngx_para_watch_handlers = handlers;
    ngx_para_watch_pending_event.handler = ngx_para_watch_pending_handler;
}


ngx_int_t
ngx_para_watch_set(ngx_socket_t fd, ngx_uint_t events, void *data)
{
    ngx_para_watch_t  *watch;

    watch = ngx_para_watch_find(fd);

    if (watch == NULL) {
        watch = ngx_calloc(sizeof(ngx_para_watch_t), ngx_cycle->log);
        if (watch == NULL) {
            return NGX_ERROR;
        }

        watch->fd = fd;
        ngx_queue_insert_tail(&ngx_para_watched, &watch->link);
    }

    watch->events = events;
    watch->data = data;

    ngx_para_watch_post(watch);

    return NGX_OK;
}


void
ngx_para_watch_remove(ngx_socket_t fd)
{
    ngx_para_watch_t  *watch;

    watch = ngx_para_watch_find(fd);
    if (watch == NULL) {
        return;
    }

    /*
     * libcurl 7.88 closes a socket that it could not connect, or did not in
     * time, before it has us forget it
     */

    if (watch->connection) {
        ngx_para_watch_release(watch->connection,
                               fcntl(fd, F_GETFD) == -1 ? NGX_CLOSE_EVENT : 0);
    }

    ngx_queue_remove(&watch->link);
    ngx_free(watch);
}


void
ngx_para_watch_opened(ngx_socket_t fd)
{
    ngx_para_watch_t  *watch;

    watch = ngx_para_watch_find(fd);
    if (watch == NULL) {
        return;
    }

    if (watch->connection) {
        ngx_para_watch_release(watch->connection, NGX_CLOSE_EVENT);
        watch->connection = NULL;
    }

    ngx_para_watch_post(watch);
}


void
ngx_para_watch_remove_all(void)
{
    ngx_queue_t       *q;
    ngx_para_watch_t  *watch;

    while (!ngx_queue_empty(&ngx_para_watched)) {
        q = ngx_queue_head(&ngx_para_watched);
        watch = ngx_queue_data(q, ngx_para_watch_t, link);

        ngx_para_watch_remove(watch->fd);
    }

    if (ngx_para_watch_pending_event.posted) {
        ngx_delete_posted_event(&ngx_para_watch_pending_event);
    }
}


/*
 * Not at once: to have a connection for it, nginx may close idle ones, with all
 * that hangs on them, and the caller is deep in its library.
 */

static void
ngx_para_watch_post(ngx_para_watch_t *watch)
{
    watch->pending = 1;

    ngx_para_watch_pending_event.log = ngx_cycle->log;
    ngx_post_event(&ngx_para_watch_pending_event, &ngx_posted_next_events);
}


static ngx_para_watch_t *
ngx_para_watch_find(ngx_socket_t fd)
{
    ngx_queue_t       *q;
    ngx_para_watch_t  *watch;

    for (q = ngx_queue_head(&ngx_para_watched);
         q != ngx_queue_sentinel(&ngx_para_watched);
         q = ngx_queue_next(q))
    {
        watch = ngx_queue_data(q, ngx_para_watch_t, link);

        if (watch->fd == fd) {
            return watch;
        }
    }

    return NULL;
}


static ngx_para_watch_t *
ngx_para_watch_find_pending(void)
{
    ngx_queue_t       *q;
    ngx_para_watch_t  *watch;

    for (q = ngx_queue_head(&ngx_para_watched);
         q != ngx_queue_sentinel(&ngx_para_watched);
         q = ngx_queue_next(q))
    {
        watch = ngx_queue_data(q, ngx_para_watch_t, link);

        if (watch->pending) {
            return watch;
        }
    }

    return NULL;
}


static void
ngx_para_watch_pending_handler(ngx_event_t *ev)
{
    void              *data;
    ngx_socket_t       fd;
    ngx_para_watch_t  *watch;

    /* what is called here may watch and remove others, and this one */

    for ( ;; ) {

        watch = ngx_para_watch_find_pending();
        if (watch == NULL) {
            return;
        }

        watch->pending = 0;

        fd = watch->fd;
        data = watch->data;

        if (ngx_para_watch_connect(fd) != NGX_OK
            || ngx_para_watch_arm(fd) != NGX_OK)
        {
            ngx_para_watch_handlers->failed(data);
        }
    }
}


static ngx_int_t
ngx_para_watch_connect(ngx_socket_t fd)
{
    ngx_connection_t  *c;
    ngx_para_watch_t  *watch;

    if (ngx_para_watch_find(fd)->connection) {
        return NGX_OK;
    }

    c = ngx_get_connection(fd, ngx_cycle->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->number = ngx_atomic_fetch_add(ngx_connection_counter, 1);

    c->read->log = c->log;
    c->write->log = c->log;

    c->read->handler = ngx_para_watch_ready_handler;
    c->write->handler = ngx_para_watch_ready_handler;

    /* nginx may have closed idle connections for it: is it still wanted? */

    watch = ngx_para_watch_find(fd);

    if (watch == NULL || watch->connection) {
        ngx_para_watch_release(c, 0);
        return NGX_OK;
    }

    watch->connection = c;

    return NGX_OK;
}


static ngx_int_t
ngx_para_watch_arm(ngx_socket_t fd)
{
    ngx_connection_t  *c;
    ngx_para_watch_t  *watch;

    watch = ngx_para_watch_find(fd);
    if (watch == NULL) {
        return NGX_OK;
    }

    c = watch->connection;

    if (ngx_para_watch_arm_event(c->read, NGX_READ_EVENT,
                                 watch->events & NGX_PARA_WATCH_READ)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_para_watch_arm_event(c->write, NGX_WRITE_EVENT,
                                    watch->events & NGX_PARA_WATCH_WRITE);
}


static ngx_int_t
ngx_para_watch_arm_event(ngx_event_t *ev, ngx_int_t event, ngx_uint_t wanted)
{
    if (wanted && !ev->active) {
        return ngx_add_event(ev, event, NGX_LEVEL_EVENT);
    }

    if (!wanted && ev->active) {
        return ngx_del_event(ev, event, 0);
    }

    return NGX_OK;
}


static void
ngx_para_watch_ready_handler(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    ngx_para_watch_handlers->ready(c->fd, ev->write ? NGX_PARA_WATCH_WRITE
                                                    : NGX_PARA_WATCH_READ);
}


/*
 * As ngx_close_connection(), but the socket is another's, and stays open.
 * NGX_CLOSE_EVENT: it is closed already.
 */

static void
ngx_para_watch_release(ngx_connection_t *c, ngx_uint_t flags)
{
    if (c->read->active) {
        (void) ngx_del_event(c->read, NGX_READ_EVENT, flags);
    }

    if (c->write->active) {
        (void) ngx_del_event(c->write, NGX_WRITE_EVENT, flags);
    }

    if (c->read->posted) {
        ngx_delete_posted_event(c->read);
    }

    if (c->write->posted) {
        ngx_delete_posted_event(c->write);
    }

    c->read->closed = 1;
    c->write->closed = 1;

    ngx_free_connection(c);

    c->fd = (ngx_socket_t) -1;    /* its events in this round are stale */
}
