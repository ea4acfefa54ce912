# How Postfix is set up in a jail: Debian's defaults, except what a test needs. Sourced.
#
# Kept as shipped: every protocol default, smtpd_forbid_bare_newline included. Changed: no delay after errors and no
# limits on one address (all clients are one), nobody is in mynetworks (loopback is a stranger), no DNS.
# $DELIVERY is the virtual transport.
# SPDX-License-Identifier: MIT
POSTFIX_PACKAGES="postfix postfix-pcre sasl2-bin libsasl2-modules libsasl2-modules-db"

postfix_configure() {
  local u maps=""
  account postfix 6200 /var/spool/postfix
  account postdrop 6201
  account vmail 6402
  local d=$MAILPROOF_STATE/postfix
  mkdir -p "$d/spool" "$d/data" "$d/mail"
  chown 6200:6200 "$d/data"
  chown 6402:6402 "$d/mail"
  for u in $USERS; do maps="$maps${maps:+, }{ $u@$DOMAIN = $u/ }"; done
  mkdir -p "$UP/etc/postfix/sasl"
  cat > "$UP/etc/postfix/sasl/smtpd.conf" << X
pwcheck_method: auxprop
auxprop_plugin: sasldb
mech_list: PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256
sasldb_path: $d/sasldb2
X
  cat > "$UP/etc/postfix/main.cf" << X
compatibility_level = 3.6
queue_directory = $d/spool
data_directory = $d/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
meta_directory = /etc/postfix
shlib_directory = /usr/lib/postfix
mail_owner = postfix
setgid_group = postdrop
maillog_file = $MAILPROOF_STATE/log/postfix
maillog_file_prefixes = $MAILPROOF_STATE/log
myhostname = mail.$DOMAIN
mydomain = $DOMAIN
mydestination =
inet_interfaces = $ADDRESS
inet_protocols = ipv4
mynetworks = [::1]/128
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = $DOMAIN
virtual_mailbox_base = $d/mail
virtual_mailbox_maps = inline:{ $maps }
virtual_alias_maps = inline:{ { postmaster@$DOMAIN = user1@$DOMAIN }, { postmaster@mail.$DOMAIN = user1@$DOMAIN } }
virtual_alias_domains = mail.$DOMAIN
virtual_transport = $DELIVERY
virtual_minimum_uid = 1000
virtual_uid_maps = static:6402
virtual_gid_maps = static:6402
default_transport = error:5.4.4 no outside world
smtpd_tls_cert_file = $MAILPROOF_STATE/tls/cert.pem
smtpd_tls_key_file = $MAILPROOF_STATE/tls/key.pem
smtpd_tls_security_level = may
smtpd_sasl_auth_enable = yes
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = /etc/postfix/sasl
smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated reject_unauth_destination
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
message_size_limit = 52428800
mailbox_size_limit = 0
virtual_mailbox_limit = 0
smtpd_error_sleep_time = 0
smtpd_client_connection_count_limit = 0
default_process_limit = 100
X
  cat > "$UP/etc/postfix/master.cf" << X
$ADDRESS:$(port smtp) inet n - n - - smtpd
$ADDRESS:$(port submission) inet n - n - - smtpd
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
  -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
$ADDRESS:$(port submissions) inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
  -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
X
}

postfix_boot() {
  local u d=$MAILPROOF_STATE/postfix
  cp -n /usr/share/postfix/*.cf* /etc/postfix/ 2> /dev/null
  cp -n /usr/lib/postfix/postfix-files /etc/postfix/ 2> /dev/null
  for u in $USERS; do echo pass | saslpasswd2 -p -c -f "$d/sasldb2" -u "mail.$DOMAIN" "$u"; done
  chown postfix "$d/sasldb2"
  postfix set-permissions create-missing 2> /dev/null
  postfix start-fg
}
