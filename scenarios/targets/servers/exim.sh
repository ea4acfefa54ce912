#!/bin/bash
# Starts Exim in a jail; see jail.sh. Protocol defaults as shipped; loopback is a stranger; delivers to maildirs.
# SPDX-License-Identifier: MIT
NAME=exim
SERVICES="smtp=25 submission=587 submissions=465"
. "$(dirname "$(readlink -f "$0")")/jail.sh"
PACKAGES=exim4-daemon-heavy

configure() {
  local d=$MAILPROOF_STATE/exim
  account Debian-exim 6100 /var/spool/exim4
  mail_users
  mkdir -p "$d/spool" "$d/mail" "$MAILPROOF_STATE/log/exim"
  chown 6100:6100 "$d/spool" "$MAILPROOF_STATE/log/exim"
  chmod 1777 "$d/mail"
  chgrp 6100 "$MAILPROOF_STATE/tls/key.pem"
  chmod 640 "$MAILPROOF_STATE/tls/key.pem"
  mkdir -p "$UP/etc/exim4" # the compiled-in path: with -C Exim would give up root
  cat > "$UP/etc/exim4/exim4.conf" << X
primary_hostname = mail.$DOMAIN
domainlist local_domains = $DOMAIN : mail.$DOMAIN
daemon_smtp_ports = $(port smtp) : $(port submission) : $(port submissions)
tls_on_connect_ports = $(port submissions)
local_interfaces = $ADDRESS
spool_directory = $d/spool
log_file_path = $MAILPROOF_STATE/log/exim/%slog
pid_file_path = $d/pid
exim_user = Debian-exim
exim_group = Debian-exim
never_users = root
qualify_domain = $DOMAIN
tls_certificate = $MAILPROOF_STATE/tls/cert.pem
tls_privatekey = $MAILPROOF_STATE/tls/key.pem
tls_advertise_hosts = *
host_lookup =
dsn_advertise_hosts = *
rfc1413_query_timeout = 0s
smtp_accept_max = 200
smtp_accept_max_per_connection = 0
smtp_accept_queue_per_connection = 0
message_size_limit = 50M
acl_smtp_mail = acl_mail
acl_smtp_rcpt = acl_rcpt
acl_smtp_data = accept
acl_smtp_vrfy = accept
begin acl
acl_mail:
  deny condition = \${if eq{\$received_port}{$(port submission)}}
       ! authenticated = *
       message = authentication required
  accept
acl_rcpt:
  deny local_parts = ^.*[@%!/|] : ^\\\\.
  accept local_parts = postmaster
         domains = +local_domains
  deny domains = +local_domains
       ! verify = recipient
       message = unknown user
  accept domains = +local_domains
  accept authenticated = *
  deny message = relay not permitted
begin routers
postmaster:
  driver = redirect
  domains = +local_domains
  local_parts = postmaster
  data = user1@$DOMAIN
local:
  driver = accept
  domains = $DOMAIN
  check_local_user
  transport = maildir
begin transports
maildir:
  driver = appendfile
  directory = $d/mail/\$local_part_data
  maildir_format
  create_directory
  user = \$local_part_data
  delivery_date_add
  envelope_to_add
  return_path_add
begin retry
* * F,1h,1m
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_set_id = \$auth2
  server_condition = \${if and{{match{\$auth2}{^user[1-6]\\\$}}{eq{\$auth3}{pass}}}}
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = <| Username: | Password:
  server_set_id = \$auth1
  server_condition = \${if and{{match{\$auth1}{^user[1-6]\\\$}}{eq{\$auth2}{pass}}}}
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = \${if match{\$auth1}{^user[1-6]\\\$}{pass}fail}
  server_set_id = \$auth1
X
  chown root:root "$UP/etc/exim4/exim4.conf"
  chmod 644 "$UP/etc/exim4/exim4.conf"
}

boot() { /usr/sbin/exim4 -bdf -q1m; }
jail_main "$@"
