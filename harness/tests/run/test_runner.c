/* The runner: one process a scenario, leased accounts, ends to everything, and a record of whole
 * lines. The scenarios here talk to no server: they pass, fail, hang and die by themselves.
 * SPDX-License-Identifier: MIT */
#include "run/runner.h"

#include "made_home.h"

#define PLACE "scenarios/smtp/rfc9999/1-word.lua"
#define MADE(name, fields, body)                                                                   \
    "scenario { name = '" name "', title = 't', proves = 'rfc9999-1-1', says = 's', why = 'w',\n"  \
    "  " fields " run = function(t) " body " end }\n"

static struct catalogue catalogue;
static lua_State *L;
static struct target target;
static struct selection chosen;
static struct record record;
static struct run_result result;
static struct runner_options options;
static char jsonl[512];

static void prepare(const char *scenarios, const char *accounts)
{
    struct err err = {{0}};
    struct wish wish = {0};
    char path[512], text[1024];
    const char *urls[1] = {path};
    made_file(PLACE, scenarios);
    snprintf(text, sizeof text,
             "return { services = { smtp = '127.0.0.1:1' }, throwaway = true, accounts = { %s } }",
             accounts);
    made_file("fake.lua", text);
    L = made_load(&catalogue);
    ck_assert_msg(catalogue.problems.n == 0, "%s",
                  catalogue.problems.n ? catalogue.problems.at[0] : "");
    ck_assert_int_eq(select_scenarios(&catalogue, &wish, &chosen, &err), 0);
    snprintf(path, sizeof path, "%s/fake.lua", made_home);
    ck_assert_msg(target_open(&target, L, made_home, "none",
                              &(struct target_wish){.urls = {urls, 1}}, &err) == 0,
                  "%s", err.text);
    snprintf(jsonl, sizeof jsonl, "%s/run.jsonl", made_home);
    ck_assert_int_eq(record_open(&record, jsonl, &err), 0);
    options = (struct runner_options){.jobs = 4,
                                      .repeat = 1,
                                      .seed = 1,
                                      .timeout_scale = 1,
                                      .evidence = EVIDENCE_NONE,
                                      .run_id = "test",
                                      .caps = LUA_NOREF};
}

static void run(void)
{
    runner_run(L, &target, &chosen, &options, &record, NULL, &result);
}

static void finish(void)
{
    run_result_clear(&result);
    record_close(&record);
    target_close(&target);
    selection_clear(&chosen);
    if (L != NULL) {
        catalogue_clear(L, &catalogue);
        lua_close(L);
    }
    made_close();
}

static const struct outcome *outcome(const char *name)
{
    char id[128];
    snprintf(id, sizeof id, "smtp/rfc9999/1/%s", name);
    for (size_t i = 0; i < result.n; i++)
        if (strcmp(result.outcomes[i].scenario->id, id) == 0)
            return &result.outcomes[i];
    ck_abort_msg("%s has no outcome", id);
    return NULL;
}

/* The "ev" of each line of the record, joined; every line is JSON with "v". */
static void events(char *out, size_t size)
{
    char *line = NULL;
    size_t room = 0;
    FILE *f = fopen(jsonl, "r");
    out[0] = '\0';
    while (getline(&line, &room, f) > 0) {
        json_t *e = json_loads(line, 0, NULL);
        ck_assert_msg(e != NULL, "no JSON: %s", line);
        ck_assert_int_eq(json_integer_value(json_object_get(e, "v")), 1);
        size_t n = strlen(out);
        snprintf(out + n, size - n, "%s%s", n > 0 ? " " : "",
                 json_string_value(json_object_get(e, "ev")));
        json_decref(e);
    }
    free(line);
    fclose(f);
}

START_TEST(verdicts_come_back)
    {
        prepare(MADE("passes", "users = 0,", "t:check(true, 'x')")
                    MADE("fails", "users = 0,", "t:check(false, 'wrong: %s', 7)")
                        MADE("weak", "users = 0, level = 'SHOULD',", "t:check(false, 'poor')")
                            MADE("skips", "users = 0,", "t:skip 'not today'")
                                MADE("breaks", "users = 0,", "error 'oops'"),
                "");
        run();
        ck_assert_uint_eq(result.n, 5);
        ck_assert_int_eq(outcome("passes")->verdict, VERDICT_PASS);
        ck_assert_int_eq(outcome("fails")->verdict, VERDICT_FAIL);
        ck_assert_str_eq(outcome("fails")->why, "wrong: 7");
        ck_assert_str_eq(outcome("fails")->where, PLACE ":4");
        ck_assert_int_eq(outcome("weak")->verdict, VERDICT_WEAK);
        ck_assert_int_eq(outcome("skips")->verdict, VERDICT_SKIP);
        ck_assert_int_eq(outcome("breaks")->verdict, VERDICT_ERROR);
        ck_assert_int_eq(run_result_exit(&result, false), EXIT_UNEXPECTED);
    }
END_TEST

/* A crash and a hang cost one scenario each, and say what they were. */
START_TEST(a_process_may_die)
    {
        prepare(MADE("crashes", "users = 0,", "os.execute 'kill -9 $PPID'")
                    MADE("leaves", "users = 0,", "os.exit(3)")
                        MADE("hangs", "users = 0, timeout = 0.2,", "while true do end")
                            MADE("passes", "users = 0,", ""),
                "");
        run();
        ck_assert_int_eq(outcome("crashes")->verdict, VERDICT_ERROR);
        ck_assert_str_eq(outcome("crashes")->why,
                         "the scenario's process was killed by signal 9, Killed, while running");
        ck_assert_int_eq(outcome("leaves")->verdict, VERDICT_ERROR);
        ck_assert_str_eq(outcome("leaves")->why,
                         "the scenario's process ended without a result, exit code 3");
        ck_assert_int_eq(outcome("hangs")->verdict, VERDICT_TIMEOUT);
        ck_assert_str_eq(outcome("hangs")->why, "not over after 0.2 s");
        ck_assert_int_eq(outcome("passes")->verdict, VERDICT_PASS);
    }
END_TEST

START_TEST(the_record_has_whole_cases)
    {
        char seen[512];
        prepare(MADE("one", "users = 0,", "t:check(true, 'x')"), "");
        run();
        events(seen, sizeof seen);
        ck_assert_str_eq(seen, "case.start check case.end");
    }
END_TEST

/* Two scenarios that hold the same account would see each other's file. */
START_TEST(an_account_serves_one_at_a_time)
    {
#define HOLD                                                                                       \
    "local p = '%s/' .. t.user.name; assert(not io.open(p)); io.open(p, 'w'):close();"             \
    " t:pause(0.05); os.remove(p)"
        char text[4096];
        snprintf(text, sizeof text,
                 MADE("a", "", HOLD) MADE("b", "", HOLD) MADE("c", "", HOLD) MADE("d", "", HOLD)
                     MADE("e", "", HOLD),
                 made_home, made_home, made_home, made_home, made_home);
        prepare(text, "{ name = 'u1', password = 'p' }, { name = 'u2', password = 'p' }");
        run();
        for (size_t i = 0; i < 5; i++)
            ck_assert_msg(result.outcomes[i].verdict == VERDICT_PASS, "%s", result.outcomes[i].why);
    }
END_TEST

/* A serial scenario begins when no other runs, and no other begins while it runs. */
START_TEST(a_serial_scenario_runs_alone)
    {
        char text[4096];
        snprintf(
            text, sizeof text,
            MADE("a", "users = 0,", "io.open('%s/a', 'w'):close(); t:pause(0.05); os.remove '%s/a'")
                MADE("s", "users = 0, serial = true,",
                     "assert(not io.open '%s/a'); io.open('%s/s', 'w'):close(); t:pause(0.05); "
                     "os.remove '%s/s'")
                    MADE("b", "users = 0,", "assert(not io.open '%s/s'); t:pause(0.02)"),
            made_home, made_home, made_home, made_home, made_home, made_home);
        prepare(text, "");
        options.repeat = 2;
        run();
        ck_assert_uint_eq(result.n, 6);
        for (size_t i = 0; i < 6; i++)
            ck_assert_msg(result.outcomes[i].verdict == VERDICT_PASS, "%s: %s",
                          result.outcomes[i].scenario->id, result.outcomes[i].why);
    }
END_TEST

START_TEST(what_a_target_lacks_is_a_skip_with_its_reason)
    {
        prepare(MADE("two", "users = 2,", "") MADE("imap", "services = 'imap/imaps',", "")
                    MADE("none", "users = 0,", ""),
                "{ name = 'u1', password = 'p' }");
        run();
        ck_assert_int_eq(outcome("two")->verdict, VERDICT_SKIP);
        ck_assert_str_eq(outcome("two")->why, "it needs 2 accounts, the target has 1");
        ck_assert_str_eq(outcome("imap")->why, "the target has no imap or imaps");
        ck_assert_int_eq(outcome("none")->verdict, VERDICT_PASS);
        ck_assert_int_eq(run_result_exit(&result, false), EXIT_AS_EXPECTED);
    }
END_TEST

/* This target has SMTP alone: nobody can look into its mailboxes, so none can be emptied. */
START_TEST(an_inbox_that_nobody_can_prepare_is_a_skip)
    {
        prepare(MADE("empty", "messages = 0,", "") MADE("filled", "messages = 2,", ""),
                "{ name = 'u1', password = 'p' }");
        run();
        for (const char *const *name = (const char *const[]){"empty", "filled", NULL}; *name;
             name++) {
            ck_assert_int_eq(outcome(*name)->verdict, VERDICT_SKIP);
            ck_assert_str_eq(
                outcome(*name)->why,
                "it empties an INBOX: the target has no imap or pop3 (one more --target)");
        }
        ck_assert_int_eq(run_result_exit(&result, false), EXIT_NOTHING);
    }
END_TEST

/* What the probe found decides about `needs`. */
START_TEST(needs_are_asked_of_the_probe)
    {
        prepare(MADE("a", "users = 0, needs = 'SIZE',", "")
                    MADE("b", "users = 0, needs = 'CHUNKING',", "")
                        MADE("c", "users = 0, needs = 'tls:AUTH=PLAIN',", "")
                            MADE("d", "users = 0, needs = 'AUTH=PLAIN',", ""),
                "");
        ck_assert_int_eq(luaL_dostring(L,
                                       "return { smtp = { clear = { SIZE = '1000', STARTTLS = '' },"
                                       " tls = { SIZE = '1000', AUTH = 'LOGIN PLAIN' } } }"),
                         LUA_OK);
        options.caps = luaL_ref(L, LUA_REGISTRYINDEX);
        run();
        ck_assert_int_eq(outcome("a")->verdict, VERDICT_PASS);
        ck_assert_str_eq(outcome("b")->why, "the target does not announce CHUNKING over smtp");
        ck_assert_int_eq(outcome("c")->verdict, VERDICT_PASS);
        ck_assert_str_eq(outcome("d")->why, "the target does not announce AUTH=PLAIN over smtp");
    }
END_TEST

START_TEST(the_same_seed_gives_the_same_numbers)
    {
        char first[1024];
        prepare(
            MADE("a", "users = 0,", "t:fail('%d %d', t:random(1, 1000000), t:random(1, 1000000))"),
            "");
        run();
        snprintf(first, sizeof first, "%s", outcome("a")->why);
        run_result_clear(&result);
        run();
        ck_assert_str_eq(outcome("a")->why, first);
        run_result_clear(&result);
        options.seed = 2;
        run();
        ck_assert_str_ne(outcome("a")->why, first);
    }
END_TEST

START_TEST(the_deadline_ends_everything)
    {
        prepare(MADE("a", "users = 0,", "while true do end")
                    MADE("b", "users = 0,", "while true do end"),
                "");
        options.deadline_s = 0.2;
        run();
        ck_assert_int_eq(result.stop, STOP_DEADLINE);
        ck_assert_uint_eq(result.n, 0); /* what never ended has no verdict */
        ck_assert_int_eq(run_result_exit(&result, false), EXIT_DEADLINE);
    }
END_TEST

START_TEST(a_full_disk_ends_the_run)
    {
        struct err err;
        prepare(MADE("a", "users = 0,", ""), "");
        record_close(&record);
        ck_assert_int_eq(record_open(&record, "/dev/full", &err), 0);
        run();
        ck_assert_int_eq(result.stop, STOP_RECORD);
        ck_assert_str_eq(result.why.text, "/dev/full: No space left on device");
        ck_assert_int_eq(run_result_exit(&result, false), EXIT_INTERNAL);
    }
END_TEST

START_TEST(nothing_run_is_no_success)
    {
        prepare(MADE("a", "users = 0,", "t:skip 'x'"), "");
        run();
        ck_assert_int_eq(run_result_exit(&result, false), EXIT_NOTHING);
    }
END_TEST

START_TEST(evidence_names_are_file_names)
    {
        char *one = runner_evidence_name("smtp/rfc5321/4.1.1.4/bare-lf-dot", 1);
        char *two = runner_evidence_name("smtp/a", 2);
        ck_assert_str_eq(one, "evidence/smtp-rfc5321-4.1.1.4-bare-lf-dot.pcapng");
        ck_assert_str_eq(two, "evidence/smtp-a-2.pcapng");
        free(one);
        free(two);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("runner");
    TCase *tc = tcase_create("runner");
    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, made_open, finish);
    tcase_add_test(tc, verdicts_come_back);
    tcase_add_test(tc, a_process_may_die);
    tcase_add_test(tc, the_record_has_whole_cases);
    tcase_add_test(tc, an_account_serves_one_at_a_time);
    tcase_add_test(tc, a_serial_scenario_runs_alone);
    tcase_add_test(tc, what_a_target_lacks_is_a_skip_with_its_reason);
    tcase_add_test(tc, an_inbox_that_nobody_can_prepare_is_a_skip);
    tcase_add_test(tc, needs_are_asked_of_the_probe);
    tcase_add_test(tc, the_same_seed_gives_the_same_numbers);
    tcase_add_test(tc, the_deadline_ends_everything);
    tcase_add_test(tc, a_full_disk_ends_the_run);
    tcase_add_test(tc, nothing_run_is_no_success);
    tcase_add_test(tc, evidence_names_are_file_names);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
