#!/bin/bash
# Starts Cyrus IMAP in a jail: IMAP, POP3, LMTP; see jail.sh. SPDX-License-Identifier: MIT
NAME=cyrus
SERVICES="imap=143 imaps=993 pop3=110 pop3s=995 lmtp=24"
. "$(dirname "$(readlink -f "$0")")/jail.sh"
PACKAGES="cyrus-imapd cyrus-pop3d cyrus-common sasl2-bin libsasl2-modules libsasl2-modules-db"

configure() {
  local d=$MAILPROOF_STATE/cyrus
  account cyrus 6500 /var/spool/cyrus
  mkdir -p "$d/conf/socket" "$d/mail" "$d/run"
  chown -R 6500:6500 "$d"
  chgrp 6500 "$MAILPROOF_STATE/tls/key.pem"
  chmod 640 "$MAILPROOF_STATE/tls/key.pem"
  sed -i 's/^mail:.*/&,cyrus/' "$UP/etc/group"
  cat > "$d/imapd.conf" << X
configdirectory: $d/conf
partition-default: $d/mail
defaultpartition: default
servername: mail.$DOMAIN
admins: cyrus
allowplaintext: yes
allowapop: yes
unixhierarchysep: yes
altnamespace: yes
autocreate_post: yes
autocreate_quota: 0
popminpoll: 0
failedloginpause: 0
idlesocket: $d/conf/socket/idle
lmtpsocket: $d/conf/socket/lmtp
notifysocket: $d/conf/socket/notify
proc_path: $d/conf/proc
mboxname_lockpath: $d/conf/lock
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: $d/sasldb2
sasl_mech_list: PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1
tls_server_cert: $MAILPROOF_STATE/tls/cert.pem
tls_server_key: $MAILPROOF_STATE/tls/key.pem
tls_session_timeout: 0
X
  cat > "$d/cyrus.conf" << X
START {
  recover cmd="/usr/lib/cyrus/bin/ctl_cyrusdb -C $d/imapd.conf -r"
}
SERVICES {
  imap  cmd="imapd -C $d/imapd.conf -U 30" listen="$ADDRESS:$(port imap)" prefork=0 maxchild=200
  imaps cmd="imapd -C $d/imapd.conf -s -U 30" listen="$ADDRESS:$(port imaps)" prefork=0 maxchild=200
  pop3  cmd="pop3d -C $d/imapd.conf -U 30" listen="$ADDRESS:$(port pop3)" prefork=0 maxchild=200
  pop3s cmd="pop3d -C $d/imapd.conf -s -U 30" listen="$ADDRESS:$(port pop3s)" prefork=0 maxchild=200
  lmtp  cmd="lmtpd -C $d/imapd.conf -a" listen="$ADDRESS:$(port lmtp)" prefork=0 maxchild=50
}
DAEMON {
  idled cmd="idled -C $d/imapd.conf"
}
EVENTS {
}
X
}

boot() {
  local u d=$MAILPROOF_STATE/cyrus
  for u in $USERS cyrus; do echo pass | saslpasswd2 -p -c -f "$d/sasldb2" -u "mail.$DOMAIN" "$u"; done
  chown cyrus "$d/sasldb2"
  /usr/lib/cyrus/bin/master -C "$d/imapd.conf" -M "$d/cyrus.conf" -p "$d/run/master.pid"
}

# A mailbox is made at its owner's first login, and of two at once one is refused: "Mailbox already exists".
first_logins() {
  local u line
  for u in $USERS; do
    { exec 3<> "/dev/tcp/$ADDRESS/$(port imap)"; } 2> /dev/null || return 1
    printf 'a LOGIN %s pass\r\nb LOGOUT\r\n' "$u" >&3
    while read -r -t 20 line <&3; do case $line in "a OK"*) break ;; "a NO"*) return 1 ;; esac; done
    exec 3>&-
  done
}
jail_main "$@"
