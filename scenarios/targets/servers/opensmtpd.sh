#!/bin/bash
# Starts OpenSMTPD in a jail; see jail.sh. Debian 12's build offers STARTTLS and fails every handshake.
# SPDX-License-Identifier: MIT
NAME=opensmtpd
SERVICES="smtp=25"
. "$(dirname "$(readlink -f "$0")")/jail.sh"
PACKAGES=opensmtpd

configure() {
  account opensmtpd 6300 /var/lib/opensmtpd/empty
  account opensmtpq 6301 /var/lib/opensmtpd/empty
  mail_users
  mkdir -p "$UP/var/lib/opensmtpd/empty" "$UP/var/spool/smtpd" "$MAILPROOF_STATE/opensmtpd/mail"
  chmod 755 "$UP/var/lib/opensmtpd/empty"
  chmod 711 "$UP/var/spool/smtpd"
  chmod 1777 "$MAILPROOF_STATE/opensmtpd/mail"
  cat > "$UP/etc/smtpd.conf" << X
pki mail.$DOMAIN cert "$MAILPROOF_STATE/tls/cert.pem"
pki mail.$DOMAIN key "$MAILPROOF_STATE/tls/key.pem"
smtp max-message-size 50M
smtp limit max-mails 1000000
table aliases { postmaster = user1 }
listen on $ADDRESS port $(port smtp) hostname mail.$DOMAIN tls pki mail.$DOMAIN
action "local" maildir "$MAILPROOF_STATE/opensmtpd/mail/%{user.username}" alias <aliases>
match from any for domain "$DOMAIN" action "local"
match from any for domain "mail.$DOMAIN" action "local"
X
  chmod 644 "$UP/etc/smtpd.conf"
}

boot() {
  rm -rf /var/spool/smtpd
  mkdir -m 711 /var/spool/smtpd
  chown root:root /var/spool/smtpd /home
  chmod 755 /home
  /usr/sbin/smtpd -d -f /etc/smtpd.conf
}
jail_main "$@"
