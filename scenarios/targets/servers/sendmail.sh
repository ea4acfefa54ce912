#!/bin/bash
# Starts Sendmail in a jail; see jail.sh. Debian's rules; procmail delivers to maildirs; load never turns clients away.
# SPDX-License-Identifier: MIT
NAME=sendmail
SERVICES="smtp=25 submission=587 submissions=465"
. "$(dirname "$(readlink -f "$0")")/jail.sh"
PACKAGES="sendmail-bin sendmail-base sendmail-cf m4 procmail sasl2-bin libsasl2-modules libsasl2-modules-db"

configure() {
  local d=$MAILPROOF_STATE/sendmail m=$UP/etc/mail p
  account smmta 6800 /var/lib/sendmail
  account smmsp 6801 /var/lib/sendmail
  mail_users
  mkdir -p "$d/mail" "$m/tls" "$UP/var/spool/mqueue" "$UP/usr/lib/sasl2" "$UP/var/lib/sendmail/host_status"
  chmod 1777 "$d/mail"
  chown root:root "$m" "$UP/var/spool" "$UP/var/spool/mqueue"
  chmod 755 "$m" "$m/tls"
  chmod 700 "$UP/var/spool/mqueue"
  cp "$TLS/cert.pem" "$TLS/key.pem" "$TLS/ca.pem" "$m/tls/" # a key below a folder that anyone can write to is refused
  chmod 600 "$m/tls/key.pem"
  printf 'pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN CRAM-MD5 DIGEST-MD5\n' \
    > "$UP/usr/lib/sasl2/Sendmail.conf"
  echo 'hosts files' > "$m/service.switch"
  printf '%s\n' localhost "$DOMAIN" "mail.$DOMAIN" > "$m/local-host-names"
  : > "$m/trusted-users"
  echo 'postmaster: user1' > "$m/aliases"
  printf 'MAILDIR=%s/mail\nDEFAULT=%s/mail/$LOGNAME/\n' "$d" "$d" > "$UP/etc/procmailrc"
  cat > "$m/test.mc" << X
OSTYPE(\`debian')dnl
define(\`confDOMAIN_NAME', \`mail.$DOMAIN')dnl
define(\`confSERVICE_SWITCH_FILE', \`/etc/mail/service.switch')dnl
define(\`confMAX_MESSAGE_SIZE', \`52428800')dnl
define(\`confTO_IDENT', \`0')dnl
define(\`confDONT_PROBE_INTERFACES', \`True')dnl
define(\`confCACERT', \`/etc/mail/tls/ca.pem')dnl
define(\`confCACERT_PATH', \`/etc/mail/tls')dnl
define(\`confSERVER_CERT', \`/etc/mail/tls/cert.pem')dnl
define(\`confSERVER_KEY', \`/etc/mail/tls/key.pem')dnl
define(\`confDONT_BLAME_SENDMAIL', \`GroupReadableKeyFile,GroupReadableSASLDBFile')dnl
define(\`confAUTH_MECHANISMS', \`PLAIN LOGIN CRAM-MD5 DIGEST-MD5')dnl
TRUST_AUTH_MECH(\`PLAIN LOGIN CRAM-MD5 DIGEST-MD5')dnl
define(\`confAUTH_REALM', \`mail.$DOMAIN')dnl
define(\`confPID_FILE', \`/run/sendmail.pid')dnl
define(\`confQUEUE_LA', \`1000')dnl
define(\`confREFUSE_LA', \`1000')dnl
define(\`confDELAY_LA', \`1000')dnl
define(\`ALIAS_FILE', \`/etc/mail/aliases')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`nocanonify')dnl
FEATURE(\`use_cw_file')dnl
DAEMON_OPTIONS(\`Family=inet, Name=MTA, Port=$(port smtp), Addr=$ADDRESS')dnl
DAEMON_OPTIONS(\`Family=inet, Name=MSA, Port=$(port submission), Addr=$ADDRESS, M=Ea')dnl
DAEMON_OPTIONS(\`Family=inet, Name=MSAS, Port=$(port submissions), Addr=$ADDRESS, M=sEa')dnl
FEATURE(\`local_procmail')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
X
}

boot() {
  local u
  chown root:root / /etc /etc/mail
  for u in $USERS; do echo pass | saslpasswd2 -p -c -f /etc/sasldb2 -u "mail.$DOMAIN" "$u"; done
  chmod 600 /etc/sasldb2
  (cd /usr/share/sendmail/cf && m4 -D_CF_DIR_=/usr/share/sendmail/cf/ m4/cf.m4 /etc/mail/test.mc) > /etc/mail/sendmail.cf
  /usr/libexec/sendmail/newaliases -oA/etc/mail/aliases -C /etc/mail/sendmail.cf
  exec /usr/libexec/sendmail/sendmail -bD -q1s -C /etc/mail/sendmail.cf
}
jail_main "$@"
