/* The clock: timers fire in order and at their own times, also when days pass in a moment.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include <check.h>

#include "base/clock.h"

static struct clock *clk;
static int fired[512];
static int64_t fired_at[512];
static int count;

struct named {
    struct timer timer;
    int name;
};

static void note(void *arg)
{
    const struct named *n = arg;
    fired_at[count] = clock_now_ms(clk);
    fired[count++] = n->name;
}

static void begin(void)
{
    clk = clock_new();
    count = 0;
}

static void end(void)
{
    clock_free(clk);
}

static void set(struct named *n, int name, int64_t in_ms)
{
    n->name = name;
    n->timer.fire = note;
    n->timer.arg = n;
    clock_set(clk, &n->timer, in_ms);
}

START_TEST(timers_fire_in_order_of_time)
    {
        static struct named t[200];
        for (int i = 0; i < 200; i++)
            set(&t[i], i, 1000 + (i * 7919 % 200) * 10);
        clock_advance(clk, 3001);
        ck_assert_int_eq(count, 200);
        for (int i = 0; i < 200; i++)
            ck_assert_msg(fired[i] * 7919 % 200 == i, "place %d was taken by timer %d", i,
                          fired[i]);
    }
END_TEST

START_TEST(each_sees_its_own_time)
    {
        struct named day = {0}, week = {0};
        int64_t start = clock_now_ms(clk), wall = clock_wall_s(clk);
        set(&week, 7, 7 * 86400000LL);
        set(&day, 1, 86400000LL);
        clock_advance(clk, 8 * 86400000LL);
        ck_assert_int_eq(count, 2);
        ck_assert_int_eq(fired[0], 1);
        ck_assert_int_lt(llabs(fired_at[0] - start - 86400000LL), 1000);
        ck_assert_int_lt(llabs(fired_at[1] - start - 7 * 86400000LL), 1000);
        ck_assert_int_lt(llabs(clock_wall_s(clk) - wall - 8 * 86400), 2);
    }
END_TEST

START_TEST(a_cancelled_timer_does_not_fire)
    {
        static struct named t[50];
        for (int i = 0; i < 50; i++)
            set(&t[i], i, 10 + i);
        for (int i = 0; i < 50; i += 2)
            clock_cancel(clk, &t[i].timer);
        clock_cancel(clk, &t[0].timer); /* twice does no harm */
        clock_advance(clk, 1000);
        ck_assert_int_eq(count, 25);
        for (int i = 0; i < 25; i++)
            ck_assert_int_eq(fired[i], 2 * i + 1);
        ck_assert_int_eq(clock_wait_ms(clk), -1);
    }
END_TEST

START_TEST(a_timer_that_is_set_again_moves)
    {
        struct named t = {0};
        set(&t, 1, 10);
        clock_set(clk, &t.timer, 100000);
        clock_advance(clk, 50000);
        ck_assert_int_eq(count, 0);
        ck_assert_int_gt(clock_wait_ms(clk), 40000);
        clock_advance(clk, 60000);
        ck_assert_int_eq(count, 1);
    }
END_TEST

static struct named again;

static void set_again(void *arg)
{
    (void)arg;
    if (++count < 5)
        clock_set(clk, &again.timer, 86400000LL);
}

START_TEST(a_timer_may_set_itself_and_fires_as_often_as_it_fits)
    {
        again.timer = (struct timer){.fire = set_again};
        clock_set(clk, &again.timer, 86400000LL);
        clock_advance(clk, 3 * 86400000LL + 1000);
        ck_assert_int_eq(count, 3);
        clock_cancel(clk, &again.timer);
    }
END_TEST

START_TEST(what_is_due_runs_without_advancing)
    {
        struct named t = {0};
        set(&t, 1, 0);
        ck_assert_int_eq(clock_wait_ms(clk), 0);
        clock_run(clk);
        ck_assert_int_eq(count, 1);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("clock");
    TCase *t = tcase_create("clock");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, timers_fire_in_order_of_time);
    tcase_add_test(t, each_sees_its_own_time);
    tcase_add_test(t, a_cancelled_timer_does_not_fire);
    tcase_add_test(t, a_timer_that_is_set_again_moves);
    tcase_add_test(t, a_timer_may_set_itself_and_fires_as_often_as_it_fits);
    tcase_add_test(t, what_is_due_runs_without_advancing);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
