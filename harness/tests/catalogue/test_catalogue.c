/* Loading and checking scenario files: every mistake is said with its line and the nearest right
 * word, and a file without mistakes becomes what it says. SPDX-License-Identifier: MIT */
#include "made_home.h"

#define HEAD(fields)                                                                               \
    "scenario {\n"                                                                                 \
    "  name = 'one',\n"                                                                            \
    "  title = 'a title',\n"                                                                       \
    "  says = 's',\n"                                                                              \
    "  why = 'w',\n" fields "  run = function(t) end,\n"                                           \
    "}\n"
#define PLACE "scenarios/smtp/rfc9999/1-word.lua"

static const struct {
    const char *what, *text, *problem;
} mistakes[] = {
    {"unknown field", HEAD("  proves = 'rfc9999-1-1',\n  catchs = 'x',\n"),
     PLACE ":7: unknown field \"catchs\"; did you mean \"catches\"?"},
    {"missing field",
     "scenario { name = 'one', title = 't', proves = 'rfc9999-1-1', says = 's', why = 'w' }\n",
     PLACE ":1: the field \"run\" is missing"},
    {"unknown requirement", HEAD("  proves = { 'rfc9999-1-1', 'rfc9999-1-11' },\n"),
     PLACE ":6: unknown requirement \"rfc9999-1-11\"; did you mean \"rfc9999-1-1\"?"},
    {"unknown service", HEAD("  proves = 'rfc9999-1-1',\n  services = { 'imap', 'pop/pop3s' },\n"),
     PLACE ":7: unknown service \"pop\"; did you mean \"pop3\"?"},
    {"wrong type", HEAD("  proves = 'rfc9999-1-1',\n  users = '2',\n"),
     PLACE ":7: \"users\" is an integer, got string"},
    {"list of wrong things", HEAD("  proves = 'rfc9999-1-1',\n  needs = { 1 },\n"),
     PLACE ":7: \"needs\" is a string or a list of strings, got table"},
    {"level raised", HEAD("  proves = 'rfc9999-1-2',\n  level = 'MUST',\n"),
     PLACE ":7: the level MUST is above the catalogue's SHOULD: a scenario may only lower it"},
    {"unknown level", HEAD("  proves = 'rfc9999-1-2',\n  level = 'SHUOLD',\n"),
     PLACE ":7: unknown level \"SHUOLD\"; did you mean \"SHOULD\"?"},
    {"message file", HEAD("  proves = 'rfc9999-1-1',\n  messages = { 'none' },\n"),
     PLACE ":7: there is no scenarios/messages/none.eml"},
    {"messages without a user", HEAD("  proves = 'rfc9999-1-1',\n  users = 0,\n  messages = 2,\n"),
     PLACE ":8: messages needs a user whose INBOX holds them, users is 0"},
    {"flags for a server that others use",
     HEAD("  proves = 'rfc9999-1-1',\n  flags = { '--trace' },\n"),
     PLACE ":7: flags are for a server of its own: needs_control = true"},
    {"edition", HEAD("  proves = 'rfc9999-1-1',\n  edition = 'rev3',\n"),
     PLACE ":7: unknown edition \"rev3\"; did you mean \"rev1\"?"},
    {"name",
     "scenario { name = 'Not Good', title = 't', proves = 'rfc9999-1-1', says = 's', why = 'w',\n"
     "  run = function() end }\n",
     PLACE ":1: the name \"Not Good\" is not made of hyphenated lower-case words"},
    {"not a table", "scenario(7)\n", PLACE ":1: scenario takes a table, got number"},
    {"forgotten local", "x = 1\n", PLACE ":1: \"x\" is assigned without local"},
    {"unknown name", "local y = 1\nscenraio {}\n",
     PLACE ":2: unknown name \"scenraio\"; did you mean \"scenario\"?"},
    {"second scenario", HEAD("  proves = 'rfc9999-1-1',\n") HEAD("  proves = 'rfc9999-1-1',\n"),
     PLACE ":10: the id smtp/rfc9999/1/one is taken by " PLACE ":1"},
    {"typo in the second",
     HEAD("  proves = 'rfc9999-1-1',\n") "scenario { name = 'two', titel = 't', proves = "
                                         "'rfc9999-1-1', says = 's',\n"
                                         "  why = 'w', run = function() end }\n",
     PLACE ":9: unknown field \"titel\"; did you mean \"title\"?"},
};

START_TEST(a_mistake_is_said_with_its_line)
    {
        struct catalogue c;
        made_file(PLACE, mistakes[_i].text);
        lua_State *L = made_load(&c);
        ck_assert_msg(c.problems.n == 1, "%s: %zu problems, the last: %s", mistakes[_i].what,
                      c.problems.n, c.problems.n > 0 ? c.problems.at[c.problems.n - 1] : "none");
        ck_assert_str_eq(c.problems.at[0], mistakes[_i].problem);
        catalogue_clear(L, &c);
        lua_close(L);
    }
END_TEST

START_TEST(a_scenario_becomes_what_it_says)
    {
        struct catalogue c;
        made_file("scenarios/messages/plain.eml", "Subject: x\r\n\r\n");
        made_file(PLACE,
                  HEAD("  proves = { 'rfc9999-1-2', 'rfc9999-1-1' },\n"
                       "  catches = { 'a', 'b' }, tags = 'tls', needs = { 'SIZE' },\n"
                       "  messages = { 'plain' }, users = 2, serial = true, timeout = 3,\n"));
        lua_State *L = made_load(&c);
        ck_assert_uint_eq(c.problems.n, 0);
        ck_assert_uint_eq(c.n, 1);
        const struct scenario *s = &c.scenarios[0];
        ck_assert_str_eq(s->id, "smtp/rfc9999/1/one");
        ck_assert_str_eq(s->level, "MUST"); /* the strongest of what it proves */
        ck_assert_int_eq(s->rfc, 9999);
        ck_assert_str_eq(s->protocol, "smtp");
        ck_assert_str_eq(s->services.at[0], "smtp");
        ck_assert_uint_eq(s->catches.n, 2);
        ck_assert(words_have(&s->tags, "tls") && words_have(&s->needs, "SIZE"));
        ck_assert(s->messages && s->serial && !s->destructive);
        ck_assert_int_eq(s->users, 2);
        ck_assert_double_eq(s->timeout, 3);
        ck_assert_ptr_eq(catalogue_find(&c, "smtp/rfc9999/1/one"), s);
        ck_assert_str_eq(catalogue_requirement(&c, "rfc9999-2-1")->test, "time");
        ck_assert_str_eq(catalogue_rfc_title(L, &c, 9999), "Tests");
        ck_assert_str_eq(catalogue_rfc_title(L, &c, 1), "");
        catalogue_clear(L, &c);
        lua_close(L);
    }
END_TEST

/* A scenario may be held less strictly than its requirement, never more. */
START_TEST(a_level_may_be_lowered)
    {
        struct catalogue c;
        made_file(PLACE, HEAD("  proves = 'rfc9999-1-1',\n  level = 'SHOULD NOT',\n"));
        lua_State *L = made_load(&c);
        ck_assert_uint_eq(c.problems.n, 0);
        ck_assert_str_eq(c.scenarios[0].level, "SHOULD NOT");
        catalogue_clear(L, &c);
        lua_close(L);
    }
END_TEST

/* Folders that are no service name need to say their services. */
START_TEST(across_protocols_services_are_named)
    {
        struct catalogue c;
        made_file("scenarios/across/rfc9999/1-word.lua", HEAD("  proves = 'rfc9999-1-1',\n"));
        made_file("scenarios/imap/rfc9999/1-word.lua", HEAD("  proves = 'rfc9999-1-1',\n"));
        lua_State *L = made_load(&c);
        ck_assert_uint_eq(c.problems.n, 1);
        ck_assert_str_eq(c.problems.at[0],
                         "scenarios/across/rfc9999/1-word.lua:1: the field \"services\" is "
                         "missing: the folder \"across\" is no service");
        ck_assert_str_eq(c.scenarios[0].services.at[0], "imap/imaps");
        catalogue_clear(L, &c);
        lua_close(L);
    }
END_TEST

START_TEST(requirement_catalogues_are_checked)
    {
        static const char *const wanted[] = {
            "scenarios/requirements/rfc9998.lua:2: rfc9998-1-1: unknown level \"MSUT\"; did you "
            "mean \"MUST\"?",
            "scenarios/requirements/rfc9998.lua:3: rfc9998-1-2: unknown test \"wires\"; did you "
            "mean \"wire\"?",
            "scenarios/requirements/rfc9998.lua:4: rfc9997-1-1: the id of a requirement of this "
            "file begins with rfc9998-",
            "scenarios/requirements/rfc9998.lua:5: rfc9998-1-3: unknown field \"say\"; did you "
            "mean \"says\"?",
        };
        struct catalogue c;
        made_file(
            "scenarios/requirements/rfc9998.lua",
            "return { rfc = 9998, title = 'Wrong', requirements = {\n"
            "  { id = \"rfc9998-1-1\", section = '1', level = 'MSUT', test = 'wire', says = 'a' "
            "},\n"
            "  { id = \"rfc9998-1-2\", section = '1', level = 'MUST', test = 'wires', says = 'a' "
            "},\n"
            "  { id = \"rfc9997-1-1\", section = '1', level = 'MUST', test = 'wire', says = 'a' "
            "},\n"
            "  { id = \"rfc9998-1-3\", section = '1', level = 'MUST', test = 'wire', say = 'a' },\n"
            "  { id = \"rfc9998-1-4\", section = '1', level = 'MUST', test = 'not observable: x', "
            "says = 'a' },\n"
            "} }\n");
        lua_State *L = made_load(&c);
        ck_assert_uint_eq(c.problems.n, 4);
        for (size_t i = 0; i < 4; i++)
            ck_assert_str_eq(c.problems.at[i], wanted[i]);
        ck_assert_ptr_nonnull(catalogue_requirement(&c, "rfc9998-1-4"));
        catalogue_clear(L, &c);
        lua_close(L);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("catalogue");
    TCase *tc = tcase_create("catalogue");
    tcase_add_checked_fixture(tc, made_open, made_close);
    tcase_add_loop_test(tc, a_mistake_is_said_with_its_line, 0, sizeof mistakes / sizeof *mistakes);
    tcase_add_test(tc, a_scenario_becomes_what_it_says);
    tcase_add_test(tc, a_level_may_be_lowered);
    tcase_add_test(tc, across_protocols_services_are_named);
    tcase_add_test(tc, requirement_catalogues_are_checked);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
