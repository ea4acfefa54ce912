/* The timers of a client: the protocol's deadline, our own patience, holds that faults and delays
 * ask for, the pace that a transfer has to keep, and output that a rule lets out in drops.
 * SPDX-License-Identifier: MIT */
#include "net/pace.h"

#include "control/script.h"
#include "server.h"

void pace_deadline_passed(void *arg)
{
    struct client *k = arg;
    if (k->conn.parked) {
        k->late = true; /* the work under way ends first; its reply may even set a new deadline */
        return;
    }
    if (k->state == OPEN && !k->conn.closing) {
        conn_scope(&k->conn);
        k->conn.protocol->timeout(&k->conn);
    }
    client_pump(k, false);
}

void conn_deadline(struct conn *c, int64_t in_ms)
{
    struct client *k = client(c);
    k->late = false;
    if (in_ms <= 0 || k->state == DEAD || k->state == LINGER)
        clock_cancel(c->server->clock, &k->deadline);
    else
        clock_set(c->server->clock, &k->deadline, in_ms);
}

/* The client had its time for a handshake, for taking our last output or for ending its side. */
static void patience_ended(void *arg)
{
    struct client *k = arg;
    k->broken = true;
    client_pump(k, false);
}

void pace_patience(struct client *k, int64_t ms)
{
    if (k->patience.slot == 0)
        clock_set(k->conn.server->clock, &k->patience, ms);
}

static void hold_over(void *arg)
{
    struct client *k = arg;
    k->holding = false;
    conn_resume(&k->conn);
}

void conn_hold(struct conn *c, int64_t ms)
{
    struct client *k = client(c);
    if (k->state == DEAD || k->state == LINGER)
        return;
    if (k->holding && k->hold.at_ms > clock_now_ms(c->server->clock) + ms)
        return;
    if (!k->holding)
        conn_park(c);
    k->holding = true;
    clock_set(c->server->clock, &k->hold, ms);
}

/* Too little has moved while something was under way. */
static void pace_measured(void *arg)
{
    struct client *k = arg;
    const struct limits *l = &k->conn.server->limits;
    uint64_t moved = k->conn.bytes_in + k->conn.bytes_out - k->pace_bytes;
    if (moved < (uint64_t)l->slow_seconds * (uint64_t)l->slow_bytes_per_second) {
        k->conn.cut_off = "slow";
        k->abort = true;
    }
    client_pump(k, false); /* and the next window begins, if there is to be one */
}

void pace_watch(struct client *k)
{
    struct clock *clock = k->conn.server->clock;
    bool under_way = k->state == OPEN && !k->conn.parked && !script_paced(&k->conn) &&
                     (k->conn.receiving || k->conn.in.len > 0 || k->out.len > 0);
    if (!under_way) {
        clock_cancel(clock, &k->pace);
    } else if (k->pace.slot == 0) {
        k->pace_bytes = k->conn.bytes_in + k->conn.bytes_out;
        clock_set(clock, &k->pace, (int64_t)k->conn.server->limits.slow_seconds * 1000);
    }
}

static void dripped(void *arg)
{
    struct client *k = arg;
    k->dripping = false;
    client_pump(k, false);
}

size_t pace_allows(struct client *k, size_t n)
{
    int64_t wait_ms = 0;
    n = script_pace(&k->conn, n, &wait_ms);
    if (n == 0) {
        k->dripping = true;
        clock_set(k->conn.server->clock, &k->drip, wait_ms);
    }
    return n;
}

void pace_begin(struct client *k)
{
    k->deadline = (struct timer){.fire = pace_deadline_passed, .arg = k};
    k->patience = (struct timer){.fire = patience_ended, .arg = k};
    k->hold = (struct timer){.fire = hold_over, .arg = k};
    k->drip = (struct timer){.fire = dripped, .arg = k};
    k->pace = (struct timer){.fire = pace_measured, .arg = k};
}

void pace_end(struct client *k)
{
    struct timer *all[] = {&k->deadline, &k->patience, &k->hold, &k->drip, &k->pace};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        clock_cancel(k->conn.server->clock, all[i]);
}
