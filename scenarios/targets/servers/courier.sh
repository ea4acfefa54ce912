#!/bin/bash
# Starts the Courier mail server in a jail: SMTP, IMAP, POP3; see jail.sh. SPDX-License-Identifier: MIT
NAME=courier
SERVICES="imap=143 imaps=993 pop3=110 pop3s=995 smtp=25"
. "$(dirname "$(readlink -f "$0")")/jail.sh"
PACKAGES="courier-imap courier-pop courier-base courier-authlib courier-authdaemon courier-authlib-userdb courier-mta"

setting() { # setting FILE NAME VALUE
  sed -i "/^$2=/d" "$UP/etc/courier/$1"
  echo "$2=$3" >> "$UP/etc/courier/$1"
}

configure() {
  local u f
  account courier 6600 /var/lib/courier
  mail_users
  for u in $USERS; do
    mkdir -p "$UP/home/$u/Maildir"/{cur,new,tmp}
    chown -R --reference="$UP/home/$u" "$UP/home/$u/Maildir"
  done
  for f in imapd pop3d esmtpd; do cat "$MAILPROOF_STATE/tls/key.pem" "$MAILPROOF_STATE/tls/cert.pem" > "$UP/etc/courier/$f.pem"; done
  openssl dhparam -dsaparam -out "$UP/etc/courier/dhparams.pem" 2048 2> /dev/null
  chown 6600:6600 "$UP"/etc/courier/*.pem
  chmod 600 "$UP"/etc/courier/*.pem
  setting authdaemonrc authmodulelist '"authuserdb"'
  for f in imapd pop3d esmtpd; do
    setting $f ADDRESS "$ADDRESS"
    setting $f MAXPERIP 200
    setting $f MAXDAEMONS 200
  done
  setting imapd PORT "$(port imap)"
  setting imapd IMAP_ULIMITD ""
  setting imapd IMAP_ENHANCEDIDLE 1
  setting imapd-ssl SSLADDRESS "$ADDRESS"
  setting imapd-ssl SSLPORT "$(port imaps)"
  setting pop3d PORT "$(port pop3)"
  setting pop3d POP3AUTH '"PLAIN LOGIN CRAM-MD5 CRAM-SHA1 CRAM-SHA256"'
  setting pop3d-ssl SSLADDRESS "$ADDRESS"
  setting pop3d-ssl SSLPORT "$(port pop3s)"
  for f in imapd-ssl pop3d-ssl; do
    setting $f TLS_CACHEFILE ""
    setting $f TLS_TRUSTCERTS ""
  done
  setting esmtpd PORT "$(port smtp)"
  setting esmtpd ESMTPAUTH '"PLAIN LOGIN CRAM-MD5"'
  setting esmtpd BLACKLISTS ""
  setting esmtpd TLS_TRUSTCERTS ""
  setting esmtpd MAXPERC 200
  setting esmtpd BOFHCHECKDNS 0
  setting esmtpd ULIMIT 262144
  setting esmtpd TARPIT 0
  setting esmtpd TCPDOPTS '"-stderrlogger=/usr/sbin/courierlogger -noidentlookup -nodnslookup"'
  echo "mail.$DOMAIN" > "$UP/etc/courier/me"
  echo "$DOMAIN" > "$UP/etc/courier/defaultdomain"
  printf '%s\n' "$DOMAIN" "mail.$DOMAIN" > "$UP/etc/courier/locals"
  printf '%s\n' "$DOMAIN" "mail.$DOMAIN" > "$UP/etc/courier/esmtpacceptmailfor"
  echo ./Maildir > "$UP/etc/courier/defaultdelivery"
  rm -rf "$UP/etc/courier/smtpaccess"
  mkdir -p "$UP/etc/courier/smtpaccess" # loopback is a stranger: nobody may relay
  : > "$UP/etc/courier/smtpaccess/default"
}

boot() {
  local u n=6600 x d
  for x in makedat maildirmake deliverquota lockmail preline; do # what dpkg's alternatives would link
    [ -e /usr/bin/$x ] || ln -s $x.courier /usr/bin/$x
  done
  cd /etc/courier || return
  rm -f userdb
  touch userdb
  chmod 700 userdb
  mkdir -p aliases
  echo "postmaster: user1@$DOMAIN" > aliases/system
  for u in $USERS; do
    n=$((n + 1))
    userdb "$u" set uid=$n gid=$n home="/home/$u" mail="/home/$u/Maildir"
    echo pass | userdbpw -md5 | userdb "$u" set systempw
    for x in md5 sha1 sha256; do echo pass | userdbpw -hmac-$x | userdb "$u" set hmac-${x}pw; done
  done
  makeuserdb
  for d in allfilters aliases filters msgq msgs tmp track; do mkdir -p /var/lib/courier/$d; done
  mkdir -p /run/courier/authdaemon
  chown -R courier:courier /run/courier /var/lib/courier /etc/courier
  /usr/sbin/authdaemond start
  for x in imapd imapd-ssl pop3d pop3d-ssl; do /usr/lib/courier/$x start; done
  /usr/sbin/makesmtpaccess
  /usr/sbin/makeacceptmailfor
  /usr/sbin/makealiases
  chown -R courier:courier /var/lib/courier
  /usr/sbin/courierfilter start
  /usr/sbin/courier start
  /usr/sbin/esmtpd start
}
jail_main "$@"
