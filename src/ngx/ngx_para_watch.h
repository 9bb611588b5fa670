/*
 * Sockets that a library opens, reads and closes by itself: nginx only tells it
 * when one is ready.
 */

#ifndef NGX_PARA_WATCH_H
#define NGX_PARA_WATCH_H

#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_PARA_WATCH_READ   0x01
#define NGX_PARA_WATCH_WRITE  0x02


/* Both are called from the event loop, never from inside the calls below. */

typedef struct {
    void      (*ready)(ngx_socket_t fd, ngx_uint_t events);

    /* it cannot be watched, nginx's log says why; it is still to be removed */
    void      (*failed)(void *data);
} ngx_para_watch_handlers_t;


/* Once in a process, before all else; the handlers are static. */
void ngx_para_watch_init(const ngx_para_watch_handlers_t *handlers);

/*
 * Watches an open socket for these events, as long as they last, from the next
 * round of the event loop on, and no longer for others.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_para_watch_set(ngx_socket_t fd, ngx_uint_t events, void *data);

/*
 * It is watched no longer, or nothing is done if it was not.  It should still
 * be open, but libraries do not always say so in time.
 */
void ngx_para_watch_remove(ngx_socket_t fd);

/*
 * A socket was opened.  If one of this number is watched, it was closed without
 * a word: from now on the new one is, for the same events.
 */
void ngx_para_watch_opened(ngx_socket_t fd);

/* All that are left, when the process ends. */
void ngx_para_watch_remove_all(void);


#endif /* NGX_PARA_WATCH_H */
