/*
 * At most so many events in any minute, for one key.  A window that slides in
 * slots of ten seconds: never more than that in any 60 seconds, at times a few
 * less, in 16 bytes.  A token bucket, as small, would let nearly twice as many
 * through in its first minute; a list of times takes ten times the room.  Plain
 * data without pointers, for shared memory, all zero at first.
 */

#ifndef PARA_LIMIT_H
#define PARA_LIMIT_H

#include <stdint.h>


#define PARA_LIMIT_SLOT   10000       /* ms */
#define PARA_LIMIT_SLOTS  7           /* a minute touches as many */
#define PARA_LIMIT_MAX    255         /* events in a minute */


typedef struct {
    uint64_t  slot;                   /* the latest, in slots since the clock's
                                         beginning */
    uint8_t   count[PARA_LIMIT_SLOTS];     /* by slot, modulo */
} para_limit_t;


/*
 * Counts an event at now, ms of a monotonic clock, and returns 1; or returns 0
 * if there have been max (at most PARA_LIMIT_MAX), which counts nothing.
 */
int para_limit_admit(para_limit_t *limit, unsigned max, uint64_t now);

/* ms until one more is let through, for Retry-After; 0: it is now. */
uint64_t para_limit_wait(const para_limit_t *limit, unsigned max,
    uint64_t now);


#endif /* PARA_LIMIT_H */
