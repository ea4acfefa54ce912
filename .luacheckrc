-- What a scenario, a target, a report and the driver's own Lua may use.
std = "lua54"
max_line_length = 120
codes = true
files["scenarios"] = { read_globals = { "scenario", "imap", "message", "mime" } }
files["scenarios/targets"] = { read_globals = { "mailproof" } }
files["harness/lua"] = { globals = { "scenario", "imap", "message", "mime", "mailproof" } }
files["harness/lua/meta"] = { globals = { "scenario" }, ignore = { "211", "212", "111", "241" } }
files["reports"] = { read_globals = { "mailproof" } }
