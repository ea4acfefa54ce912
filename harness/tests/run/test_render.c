/* render: from the lines of run.jsonl to every report, also when the run was cut short, was cut
 * into shards, or carries bytes that XML, HTML and terminals cannot. SPDX-License-Identifier: MIT
 */
#include "run/render.h"

#include <check.h>
#include <jansson.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Tests are started from the top of the work tree. */
#define HOME "."

static lua_State *L;
static char path[2][64];
static struct buf out;

static void setup(void)
{
    L = luaL_newstate();
    luaL_openlibs(L);
    for (int i = 0; i < 2; i++)
        snprintf(path[i], sizeof path[i], "/tmp/test_render.%ld.%d.jsonl", (long)getpid(), i);
    buf_init(&out, (size_t)16 << 20);
}

static void teardown(void)
{
    lua_close(L);
    unlink(path[0]);
    unlink(path[1]);
    buf_clear(&out);
}

static void file(int i, const char *text)
{
    FILE *f = fopen(path[i], "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
}

#define RUN_START                                                                                  \
    "{\"v\":1,\"ev\":\"run.start\",\"t\":\"2026-11-21T03:15:00Z\",\"run\":\"r\",\"version\":\"0."  \
    "1.0\",\"seed\":7,"                                                                            \
    "\"command\":[\"mailproof\",\"run\",\"--target\",\"smtp://"                                    \
    "mx.example\",\"--jobs\",\"4\",\"smtp/**\"],"                                                  \
    "\"target\":{\"name\":\"mx\",\"services\":{\"smtp\":\"127.0.0.1:25\"}},\"scenarios\":3}\n"
#define CASE_START(id, title)                                                                      \
    "{\"v\":1,\"ev\":\"case.start\",\"case\":\"" id                                                \
    "\",\"t\":1764000000.5,\"file\":\"scenarios/a.lua\",\"line\":3,"                               \
    "\"title\":\"" title                                                                           \
    "\",\"says\":\"says <b>&amp;\",\"why\":\"why ]]> so\",\"level\":\"MUST\","                     \
    "\"section\":\"4.1.1.4\",\"rfc\":5321,\"proves\":[\"rfc5321-4.1.1.4-5\"],\"services\":["       \
    "\"smtp\"],\"tags\":[]}\n"
#define CASE_END(id, verdict, why)                                                                 \
    "{\"v\":1,\"ev\":\"case.end\",\"case\":\"" id "\",\"verdict\":\"" verdict                      \
    "\",\"level\":\"MUST\",\"why\":\"" why                                                         \
    "\",\"where\":\"scenarios/a.lua:21\",\"seconds\":0.25,\"cpu_ms\":3.5,\"evidence\":\"evidence/" \
    "x.pcapng\","                                                                                  \
    "\"baseline\":null}\n"
#define EXCHANGE(id)                                                                               \
    "{\"v\":1,\"ev\":\"conn\",\"case\":\"" id                                                      \
    "\",\"conn\":1,\"name\":\"c1\",\"protocol\":\"smtp\",\"service\":"                             \
    "\"smtp\",\"local\":\"127.0.0.1\",\"local_port\":4000,\"peer\":\"127.0.0.1\",\"peer_port\":"   \
    "25,\"at\":0.001}\n"                                                                           \
    "{\"v\":1,\"ev\":\"io\",\"case\":\"" id                                                        \
    "\",\"conn\":1,\"at\":0.002,\"dir\":\"s\",\"layer\":\"wire\",\"off\":0,"                       \
    "\"n\":10,\"b64\":\"MjIwIAEbPDM+DQo=\"}\n"
#define RUN_END                                                                                    \
    "{\"v\":1,\"ev\":\"run.end\",\"exit\":1,\"counts\":{\"pass\":1,\"fail\":1},\"seconds\":1.5}\n"

static void load(size_t n)
{
    struct err err;
    const char *const paths[2] = {path[0], path[1]};
    ck_assert_msg(render_load(L, HOME, paths, n, &err) == 0, "%s", err.text);
    ck_assert_int_eq(lua_gettop(L), 0);
}

/* The loaded run as one of the formats; valid until the next call. */
static const char *rendered(const char *kind)
{
    struct err err;
    buf_clear(&out);
    ck_assert_msg(render_text(L, kind, &out, &err) == 0, "%s", err.text);
    ck_assert_int_eq(lua_gettop(L), 0);
    ck_assert(buf_add(&out, "", 1));
    return (const char *)out.data;
}

static void contains(const char *got, const char *want)
{
    ck_assert_msg(strstr(got, want) != NULL, "no \"%s\" in:\n%.6000s", want, got);
}

static json_t *summary(void)
{
    json_error_t why;
    json_t *j = json_loads(rendered("json"), 0, &why);
    ck_assert_msg(j != NULL, "summary.json is no JSON: %s", why.text);
    return j;
}

START_TEST(the_summary_holds_what_scripts_ask_for)
    {
        file(0, RUN_START CASE_START("smtp/rfc5321/4.1.1.10/b", "B")
                    CASE_START("smtp/rfc5321/4.1.1.4/a", "A") EXCHANGE("smtp/rfc5321/4.1.1.4/a")
                        CASE_END("smtp/rfc5321/4.1.1.4/a", "fail", "broken")
                            CASE_END("smtp/rfc5321/4.1.1.10/b", "pass", "") RUN_END);
        load(1);
        json_t *j = summary(), *s = json_object_get(j, "scenarios");
        const char *target, *id, *verdict, *level, *proves;
        int exit_code, fails, passes;
        double seconds;
        json_error_t why;
        ck_assert_msg(json_unpack_ex(j, &why, 0, "{ss si s{si si}}", "target", &target, "exit",
                                     &exit_code, "counts", "fail", &fails, "pass", &passes) == 0,
                      "%s", why.text);
        ck_assert_str_eq(target, "mx");
        ck_assert_int_eq(exit_code, 1);
        ck_assert_int_eq(fails, 1);
        ck_assert_int_eq(passes, 1);
        ck_assert_msg(json_unpack_ex(s, &why, 0, "[{ss ss ss s[s] sf}]", "id", &id, "verdict",
                                     &verdict, "level", &level, "proves", &proves, "seconds",
                                     &seconds) == 0,
                      "%s", why.text);
        ck_assert_str_eq(id, "smtp/rfc5321/4.1.1.4/a"); /* 4 before 10 */
        ck_assert_str_eq(verdict, "fail");
        ck_assert_str_eq(proves, "rfc5321-4.1.1.4-5");
        json_decref(j);
    }
END_TEST

START_TEST(a_run_that_was_cut_short_keeps_what_it_had)
    {
        file(0, RUN_START CASE_START("smtp/rfc5321/4.1.1.4/a", "A")
                    CASE_START("smtp/rfc5321/4.1.1.4/b", "B")
                        CASE_END("smtp/rfc5321/4.1.1.4/b", "pass", "")
                            EXCHANGE("smtp/rfc5321/4.1.1.4/a") "{\"v\":1,\"ev");
        load(1);
        json_t *j = summary();
        ck_assert(json_is_null(json_object_get(j, "exit")));
        ck_assert(json_is_false(json_object_get(j, "complete")));
        ck_assert_int_eq(
            json_integer_value(json_object_get(json_object_get(j, "counts"), "interrupted")), 1);
        ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(j, "counts"), "pass")),
                         1);
        contains(json_string_value(json_array_get(json_object_get(j, "troubles"), 0)),
                 "the last line is cut short");
        json_decref(j);
    }
END_TEST

START_TEST(a_line_that_is_no_json_is_named_and_left_out)
    {
        file(0, RUN_START
             "oops\n" CASE_START("a/b/1/c", "A") "[1]\n\n" CASE_END("a/b/1/c", "pass", "") RUN_END);
        load(1);
        json_t *j = summary(), *troubles = json_object_get(j, "troubles");
        ck_assert_uint_eq(json_array_size(troubles), 2);
        contains(json_string_value(json_array_get(troubles, 0)), ".0.jsonl:2: ");
        ck_assert(json_is_true(json_object_get(j, "complete")));
        json_decref(j);
    }
END_TEST

START_TEST(shards_become_one_run)
    {
        file(0, RUN_START CASE_START("a/b/1/c", "A")
                    CASE_END("a/b/1/c", "pass", "") "{\"v\":1,\"ev\":\"run.end\",\"exit\":0,"
                                                    "\"counts\":{\"pass\":1},\"seconds\":4}\n");
        file(1, RUN_START CASE_START("a/b/1/b", "A")
                    CASE_END("a/b/1/b", "fail", "no") "{\"v\":1,\"ev\":\"run.end\",\"exit\":1,"
                                                      "\"counts\":{\"fail\":1},\"seconds\":2}\n");
        load(2);
        json_t *j = summary();
        ck_assert_int_eq(json_integer_value(json_object_get(j, "exit")), 1);
        ck_assert_uint_eq(json_array_size(json_object_get(j, "scenarios")), 2);
        ck_assert_double_eq(json_number_value(json_object_get(j, "seconds")), 4);
        json_decref(j);
    }
END_TEST

START_TEST(a_scenario_that_ran_twice_is_there_twice)
    {
        file(0, RUN_START CASE_START("a/b/1/c", "A") CASE_END("a/b/1/c", "pass", "")
                    CASE_START("a/b/1/c", "A") CASE_END("a/b/1/c", "fail", "") RUN_END);
        load(1);
        json_t *j = summary();
        ck_assert_uint_eq(json_array_size(json_object_get(j, "scenarios")), 2);
        json_decref(j);
    }
END_TEST

START_TEST(files_that_are_no_run_are_refused_in_words)
    {
        struct err err;
        const char *const paths[1] = {path[0]};
        ck_assert_int_eq(render_load(L, HOME, paths, 1, &err), -1);
        contains(err.text, "No such file");
        file(0, "");
        ck_assert_int_eq(render_load(L, HOME, paths, 1, &err), -1);
        contains(err.text, "holds no run");
        file(0, "{\"v\":2,\"ev\":\"run.start\"}\n");
        ck_assert_int_eq(render_load(L, HOME, paths, 1, &err), -1);
        contains(err.text, "newer mailproof");
        ck_assert_int_eq(lua_gettop(L), 0);
    }
END_TEST

START_TEST(an_unknown_format_names_the_nearest)
    {
        struct err err;
        file(0, RUN_START RUN_END);
        load(1);
        ck_assert_int_eq(render_text(L, "jsno", &out, &err), -1);
        contains(err.text, "did you mean \"json\"?");
        ck_assert_int_eq(render_text(L, "../reports/json", &out, &err), -1);
    }
END_TEST

START_TEST(a_renderer_that_raises_leaves_no_file)
    {
        struct err err;
        char mine[] = "/tmp/test_render_bad.lua", where[80];
        file(0, RUN_START RUN_END);
        load(1);
        FILE *f = fopen(mine, "w");
        fputs("return { render = function(run, write) write 'half' error 'on purpose' end }\n", f);
        fclose(f);
        snprintf(where, sizeof where, "%s.out", path[0]);
        ck_assert_int_eq(render_write(L, mine, NULL, where, &err), -1);
        contains(err.text, "on purpose");
        ck_assert_int_ne(access(where, F_OK), 0);
        unlink(mine);
        ck_assert_int_eq(lua_gettop(L), 0);
    }
END_TEST

/* A run with every verdict, and with texts that markup, terminals and XML cannot carry as they are.
 */
static void every_verdict(void)
{
    static const char *const verdicts[] = {"pass", "fail",       "weak",  "noted",
                                           "skip", "dependency", "error", "timeout"};
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_printf(&b, "%s", RUN_START);
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
        buf_printf(&b, "%s", CASE_START("smtp/rfc5321/4.1.1.4/a", "A <i>\\u0001 ]]> \\uffff"));
        buf_printf(&b, "%s", EXCHANGE("smtp/rfc5321/4.1.1.4/a"));
        buf_printf(
            &b,
            "{\"v\":1,\"ev\":\"case.end\",\"case\":\"smtp/rfc5321/4.1.1.4/a\",\"verdict\":\"%s\","
            "\"level\":\"MUST\",\"why\":\"why \\u0000\\u001b[31m <&\\\"'> \\u00e4\",\"where\":"
            "\"scenarios/a.lua:21\",\"seconds\":0.25,\"evidence\":\"evidence/"
            "x.pcapng\",\"baseline\":"
            "null}\n",
            verdicts[i]);
    }
    buf_printf(&b, "%s%s", CASE_START("lint/smtp/code-range", "L"), RUN_END);
    buf_add(&b, "", 1);
    file(0, (const char *)b.data);
    buf_clear(&b);
    load(1);
}

/* Whether a program accepts what was rendered. */
static void accepted_by(const char *command, const char *kind)
{
    struct err err;
    char line[512], where[96];
    snprintf(where, sizeof where, "%s.out", path[0]);
    ck_assert_msg(render_write(L, kind, NULL, where, &err) == 0, "%s", err.text);
    snprintf(line, sizeof line, "%s %s >&2", command, where);
    ck_assert_msg(system(line) == 0, "refused: %s", line);
    unlink(where);
}

static const char *const kinds[] = {"json", "junit", "junit-strict", "terminal",
                                    "html", "tap",   "markdown",     "sarif"};
#define KINDS (sizeof kinds / sizeof kinds[0])

START_TEST(every_format_renders_every_verdict_without_raw_control_bytes)
    {
        every_verdict();
        const char *text = rendered(kinds[_i]);
        for (const char *p = text; *p != '\0'; p++)
            ck_assert_msg((unsigned char)*p >= 0x20 || *p == '\n' || *p == '\t',
                          "%s: byte 0x%02x at %td: %.60s", kinds[_i], (unsigned char)*p, p - text,
                          p > text + 30 ? p - 30 : text);
        ck_assert_ptr_null(strstr(text, "\xef\xbf\xbf<"));
    }
END_TEST

START_TEST(every_format_renders_an_empty_and_an_interrupted_run)
    {
        file(0, RUN_START);
        load(1);
        ck_assert_uint_gt(strlen(rendered(kinds[_i])), 0);
        file(0, RUN_START CASE_START("a/b/1/c", "A"));
        load(1);
        const char *text = rendered(kinds[_i]);
        ck_assert_msg(strstr(text, "cut short") != NULL || strstr(text, "nterrupted") != NULL ||
                          strstr(text, "ended in the middle") != NULL,
                      "%s does not say that the run was cut short:\n%s", kinds[_i], text);
    }
END_TEST

START_TEST(junit_is_xml_and_the_strict_one_follows_the_schema)
    {
        every_verdict();
        accepted_by("xmllint --noout", "junit");
        accepted_by("xmllint --noout --schema harness/tests/run/junit-strict.xsd", "junit-strict");
        const char *text = rendered("junit");
        contains(text, "tests=\"9\" failures=\"1\" errors=\"4\"");
        contains(text, "name=\"rfc5321-4.1.1.4-5 a: A &lt;i&gt;\\x01 ]]&gt; ");
        contains(text, " (2)\"");
        contains(text, "file=\"scenarios/a.lua\" line=\"21\"");
        contains(text, "<failure type=\"MUST\" message=\"why \\x00\\x1B[31m "
                       "&lt;&amp;&quot;&#39;&gt; \xc3\xa4\">");
        contains(text, "220 \\x01\\x1B&lt;3&gt;\\r\\n");
        contains(text, "[[ATTACHMENT|/tmp/evidence/x.pcapng]]");
    }
END_TEST

START_TEST(an_expected_failure_is_skipped_and_a_stale_line_fails)
    {
        file(0, RUN_START CASE_START("a/b/1/c", "A") CASE_START(
                    "a/b/1/d", "D") "{\"v\":1,\"ev\":\"case.end\",\"case\":\"a/b/1/"
                                    "c\",\"verdict\":\"fail\",\"why\":\"no\",\"where\":\"\","
                                    "\"baseline\":\"expected\"}\n"
                                    "{\"v\":1,\"ev\":\"case.end\",\"case\":\"a/b/1/"
                                    "d\",\"verdict\":\"pass\",\"why\":\"\",\"where\":\"\","
                                    "\"baseline\":\"stale\"}\n" RUN_END);
        load(1);
        const char *text = rendered("junit");
        contains(text, "<skipped message=\"known failure: no\"/>");
        contains(text, "<failure type=\"XPASS\"");
        contains(text, "failures=\"1\" errors=\"0\"");
    }
END_TEST

START_TEST(tap_has_a_point_for_each_scenario_and_marks_what_may_fail)
    {
        every_verdict();
        const char *text = rendered("tap");
        contains(text, "TAP version 14\n1..9\n");
        contains(text, "ok 2 - smtp/rfc5321/4.1.1.4/a\n");
        contains(text, "not ok 3 - smtp/rfc5321/4.1.1.4/a\n  ---\n  verdict: fail\n");
        contains(text, "# SKIP why \\\\x00\\\\x1B[31m");
        contains(text, " # TODO not followed (SHOULD): ");
        contains(text, "  again: \"mailproof run --target smtp://mx.example -v "
                       "smtp/rfc5321/4.1.1.4/a\"\n  ...\n");
    }
END_TEST

START_TEST(markdown_escapes_what_servers_and_scenarios_say)
    {
        file(0,
             RUN_START CASE_START("smtp/rfc5321/4.1.1.4/a", "A") EXCHANGE("smtp/rfc5321/4.1.1.4/a")
                 CASE_END("smtp/rfc5321/4.1.1.4/a", "fail", "<script> [a](b) `c` | d\\n# e")
                     RUN_END);
        load(1);
        const char *text = rendered("markdown");
        contains(text, "\\<script\\> \\[a\\]\\(b\\) \\`c\\` \\| d \\# e");
        contains(text, "| fail | 1 |");
        contains(
            text,
            "```\n0.001  c1 ==  smtp, 127.0.0.1 port 25\n0.002  c1 <  220 \\x01\\x1B<3>\\r\\n");
    }
END_TEST

START_TEST(sarif_names_the_requirement_and_the_line)
    {
        file(0, RUN_START CASE_START("smtp/rfc5321/4.1.1.4/a", "A")
                    CASE_END("smtp/rfc5321/4.1.1.4/a", "fail", "broken") RUN_END);
        load(1);
        json_error_t why;
        json_t *j = json_loads(rendered("sarif"), 0, &why);
        ck_assert_msg(j != NULL, "%s", why.text);
        const char *version, *rule, *level, *text, *uri, *id;
        int line;
        ck_assert_msg(json_unpack_ex(j, &why, 0,
                                     "{ss s[{s{s{s[{ss}]}} s[{ss ss s{ss} s[{s{s{ss} s{si}}}]}]}]}",
                                     "version", &version, "runs", "tool", "driver", "rules", "id",
                                     &id, "results", "ruleId", &rule, "level", &level, "message",
                                     "text", &text, "locations", "physicalLocation",
                                     "artifactLocation", "uri", &uri, "region", "startLine",
                                     &line) == 0,
                      "%s", why.text);
        ck_assert_str_eq(version, "2.1.0");
        ck_assert_str_eq(rule, "rfc5321-4.1.1.4-5");
        ck_assert_str_eq(rule, id);
        ck_assert_str_eq(level, "error");
        ck_assert_str_eq(text, "smtp/rfc5321/4.1.1.4/a: broken");
        ck_assert_str_eq(uri, "scenarios/a.lua");
        ck_assert_int_eq(line, 21);
        json_decref(j);
    }
END_TEST

START_TEST(text_shows_the_exchange_of_a_failure_and_how_to_run_it_again)
    {
        file(0,
             RUN_START CASE_START("smtp/rfc5321/4.1.1.4/a", "A") EXCHANGE("smtp/rfc5321/4.1.1.4/a")
                 CASE_END("smtp/rfc5321/4.1.1.4/a", "fail", "broken") RUN_END);
        load(1);
        const char *text = rendered("terminal");
        contains(text, "FAIL  smtp/rfc5321/4.1.1.4/a   MUST   RFC 5321, 4.1.1.4\n      broken      "
                       "(scenarios/a.lua:21)\n");
        contains(text, "      0.002  c1 <  220 \\x01\\x1B<3>\\r\\n");
        contains(text, "<- here\n");
        contains(text,
                 "again mailproof run --target smtp://mx.example -v smtp/rfc5321/4.1.1.4/a\n");
    }
END_TEST

START_TEST(the_page_of_a_real_run_is_whole_and_forbids_itself_the_network)
    {
        struct err err;
        const char *const paths[1] = {"harness/tests/run/sample.jsonl"};
        ck_assert_msg(render_load(L, HOME, paths, 1, &err) == 0, "%s", err.text);
        const char *text = rendered("html");
        ck_assert_uint_lt(strlen(text), 5u << 20);
        contains(text, "default-src 'none'; style-src 'sha256-");
        contains(text, "<h1>postfix-dovecot</h1>");
        contains(text, "<details class=\"case\" id=\"s-smtp_rfc4954_4_unknown-mechanism\" "
                       "data-verdict=\"fail\"");
        contains(text, "TLS: TLSv1.3, TLS_AES_256_GCM_SHA384");
        contains(text, "C: <b>AUTH XMP-NO-SUCH<u>\\r\\n</u></b>");
        contains(text, "  ← here</span>");
        contains(text, "href=\"evidence/smtp-rfc4954-4-unknown-mechanism.pcapng\"");
        contains(text,
                 "mailproof run --target postfix-dovecot -v smtp/rfc4954/4/unknown-mechanism");
        contains(
            text,
            "<a href=\"https://www.rfc-editor.org/rfc/rfc4954.html#section-4\">RFC 4954, 4</a>");
        static const char *const foreign[] = {"src=", "@import", "url(", " onclick", " style="};
        for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
            ck_assert_msg(strstr(text, foreign[i]) == NULL, "the page has \"%s\"", foreign[i]);
    }
END_TEST

START_TEST(the_page_stays_small_when_servers_talk_much)
    {
        struct buf b;
        char *line = malloc(90000);
        buf_init(&b, (size_t)64 << 20);
        buf_printf(&b, "%s", RUN_START);
        memset(line, 'A',
               80000); /* base64 of 60000 zero bytes, each of which is shown as two letters */
        line[80000] = '\0';
        for (int i = 0; i < 400; i++) {
            buf_printf(&b, "%s", CASE_START("smtp/rfc5321/4.1.1.4/a", "A"));
            buf_printf(&b,
                       "{\"v\":1,\"ev\":\"io\",\"case\":\"smtp/rfc5321/4.1.1.4/"
                       "a\",\"conn\":1,\"at\":0.002,\"dir\":\"s\","
                       "\"layer\":\"wire\",\"off\":0,\"n\":60000,\"b64\":\"%s\"}\n",
                       line);
            for (int k = 0; k < 200; k++)
                buf_printf(&b,
                           "{\"v\":1,\"ev\":\"io\",\"case\":\"smtp/rfc5321/4.1.1.4/"
                           "a\",\"conn\":1,\"at\":0.9,\"dir\":\"c\","
                           "\"layer\":\"wire\",\"off\":0,\"n\":60,\"b64\":\"%.80s\"}\n",
                           line);
            buf_printf(&b, "%s", CASE_END("smtp/rfc5321/4.1.1.4/a", "fail", "no"));
        }
        buf_add(&b, RUN_END, sizeof RUN_END);
        file(0, (const char *)b.data);
        buf_clear(&b);
        free(line);
        load(1);
        ck_assert_uint_lt(strlen(rendered("html")), 5u << 20);
    }
END_TEST

int main(void)
{
    Suite *suite = suite_create("render");
    TCase *c = tcase_create("run");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 30);
    tcase_add_test(c, the_summary_holds_what_scripts_ask_for);
    tcase_add_test(c, a_run_that_was_cut_short_keeps_what_it_had);
    tcase_add_test(c, a_line_that_is_no_json_is_named_and_left_out);
    tcase_add_test(c, shards_become_one_run);
    tcase_add_test(c, a_scenario_that_ran_twice_is_there_twice);
    tcase_add_test(c, files_that_are_no_run_are_refused_in_words);
    tcase_add_test(c, an_unknown_format_names_the_nearest);
    tcase_add_test(c, a_renderer_that_raises_leaves_no_file);
    tcase_add_loop_test(c, every_format_renders_every_verdict_without_raw_control_bytes, 0,
                        (int)KINDS);
    tcase_add_loop_test(c, every_format_renders_an_empty_and_an_interrupted_run, 0, (int)KINDS);
    tcase_add_test(c, junit_is_xml_and_the_strict_one_follows_the_schema);
    tcase_add_test(c, the_page_of_a_real_run_is_whole_and_forbids_itself_the_network);
    tcase_add_test(c, the_page_stays_small_when_servers_talk_much);
    tcase_add_test(c, an_expected_failure_is_skipped_and_a_stale_line_fails);
    tcase_add_test(c, tap_has_a_point_for_each_scenario_and_marks_what_may_fail);
    tcase_add_test(c, markdown_escapes_what_servers_and_scenarios_say);
    tcase_add_test(c, sarif_names_the_requirement_and_the_line);
    tcase_add_test(c, text_shows_the_exchange_of_a_failure_and_how_to_run_it_again);
    suite_add_tcase(suite, c);
    SRunner *r = srunner_create(suite);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
