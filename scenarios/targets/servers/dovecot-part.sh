# How Dovecot is set up in a jail: Debian's defaults, except what a test needs. Sourced.
# SPDX-License-Identifier: MIT
DOVECOT_PACKAGES="dovecot-core dovecot-imapd dovecot-pop3d dovecot-lmtpd"

dovecot_configure() {
  local u d=$MAILPROOF_STATE/dovecot
  account dovecot 6400 /usr/lib/dovecot
  account dovenull 6401
  account vmail 6402
  mkdir -p "$d/mail" "$d/run"
  chown 6402:6402 "$d/mail"
  for u in $USERS; do echo "$u:{PLAIN}pass::::::"; done > "$d/passwd"
  cat > "$d/dovecot.conf" << X
base_dir = $d/run
state_dir = $d/run
log_path = $MAILPROOF_STATE/log/dovecot
protocols = imap pop3 lmtp
listen = $ADDRESS
hostname = mail.$DOMAIN
postmaster_address = postmaster@$DOMAIN
ssl = yes
ssl_cert = <$MAILPROOF_STATE/tls/cert.pem
ssl_key = <$MAILPROOF_STATE/tls/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256
auth_username_format = %Ln
auth_failure_delay = 0
mail_location = maildir:$d/mail/%n
first_valid_uid = 100
mail_max_userip_connections = 500
passdb {
  driver = passwd-file
  args = scheme=PLAIN $d/passwd
}
userdb {
  driver = static
  args = uid=vmail gid=vmail home=$d/mail/%n allow_all_users=yes
}
namespace inbox {
  inbox = yes
  separator = /
}
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service imap-login {
  inet_listener imap {
    port = $(port imap)
  }
  inet_listener imaps {
    port = $(port imaps)
  }
}
service pop3-login {
  inet_listener pop3 {
    port = $(port pop3)
  }
  inet_listener pop3s {
    port = $(port pop3s)
  }
}
service lmtp {
  inet_listener lmtp {
    port = $(port lmtp)
  }
}
X
}

dovecot_boot() {
  /usr/sbin/dovecot -F -c "$MAILPROOF_STATE/dovecot/dovecot.conf"
}
