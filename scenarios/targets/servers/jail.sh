# Real mail servers from Debian packages, unpacked and run, never installed. Sourced by the scripts beside it.
#
# A jail is a mount, process and host-name namespace of its own: an overlay of / (nothing of the host is
# written to) with the unpacked packages and the generated configuration on top. So packages that
# conflict in dpkg run side by side, every compiled-in path is private, and the end of one process
# is the end of the server. The network is the host's loopback.
#
# A script sets NAME, PACKAGES and SERVICES ("imap=143 imaps=993", nominal ports) and defines
#   configure   outside the jail's root: writes below $UP (the jail's /) and $MAILPROOF_STATE
#   boot        inside the jail: starts the server in the foreground
# and, where wanted, first_logins (outside; it greets then), and ends with: jail_main "$@". Run without arguments it keeps the target-file contract of CONTRIBUTING.md:
# one JSON line when every service greets, then it stays until SIGTERM or the end of its standard input.
# MAILPROOF_PORT_BASE=nominal: the nominal ports themselves, for a caller with a network of its own.
# SPDX-License-Identifier: MIT
set -eu
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
unset LD_LIBRARY_PATH LD_PRELOAD SSL_CERT_FILE SSL_CERT_DIR
SELF=$(readlink -f "$0")
HERE=$(dirname "$SELF")
ADDRESS=127.0.0.1
DOMAIN=test.example
USERS="user1 user2 user3 user4 user5 user6"

say() { echo "$NAME: $*" >&2; }
die() { say "$*"; exit 1; }

port() { # port SERVICE: the port of a service in this run
  local s n=0
  for s in $SERVICES; do
    n=$((n + 1))
    [ "$MAILPROOF_PORT_BASE" = nominal ] && [ "${s%%=*}" = "$1" ] && { echo "${s#*=}"; return; }
    [ "${s%%=*}" = "$1" ] && { echo $((MAILPROOF_PORT_BASE + n)); return; }
  done
  die "no service $1"
}

account() { # account NAME UID [HOME]: a system user of the jail only
  local e=$UP/etc f
  mkdir -p "$e"
  for f in passwd group shadow; do [ -e "$e/$f" ] || cp -p "/etc/$f" "$e/$f"; done
  sed -i "/^$1:/d" "$e/passwd" "$e/shadow" "$e/group"
  echo "$1:x:$2:$2::${3:-/nonexistent}:/usr/sbin/nologin" >> "$e/passwd"
  echo "$1:x:$2:" >> "$e/group"
  echo "$1:*:19700:0:99999:7:::" >> "$e/shadow"
}

mail_users() { # the test users as system users of the jail, uid 6601 and up, home /home/NAME
  local u n=6600
  for u in $USERS; do
    n=$((n + 1))
    account "$u" $n "/home/$u"
    mkdir -p "$UP/home/$u"
    chown $n:$n "$UP/home/$u"
  done
}

fetch() { # unpacks PACKAGES and what they need that this machine lacks into $ROOT, once; $UNPACKED: whose are the same
  local name=${UNPACKED:-$NAME}
  local cache=${MAILPROOF_SERVERS:-${MAILPROOF_HOME:-$HERE/../../..}/build/servers}
  mkdir -p "$cache"
  cache=$(cd "$cache" && pwd)
  ROOT=$cache/$name
  exec 9> "$cache/$name.lock"
  flock 9
  if [ ! -e "$ROOT/.complete" ]; then
    local debs=$cache/$name.debs d p
    rm -rf "$ROOT" "$debs"
    mkdir -p "$ROOT" "$debs/partial"
    say "fetching $PACKAGES"
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends --download-only -o Debug::NoLocking=true \
      -o APT::Sandbox::User=root -o "Dir::Cache::archives=$debs" $PACKAGES > "$debs/log" 2>&1 9>&- ||
      { cat "$debs/log" >&2; die "cannot fetch packages (apt-get update run?)"; }
    for p in $PACKAGES; do # what is installed already is not downloaded by install
      ls "$debs/${p}"_*.deb > /dev/null 2>&1 || (cd "$debs" && apt-get download -qq "$p" >> log 2>&1) ||
        die "cannot fetch $p"
    done
    for d in "$debs"/*.deb; do dpkg -x "$d" "$ROOT"; done
    for d in bin sbin lib lib64; do # /lib must stay the host's link to usr/lib
      if [ -d "$ROOT/$d" ] && [ ! -L "$ROOT/$d" ]; then
        mkdir -p "$ROOT/usr/$d"
        cp -a "$ROOT/$d/." "$ROOT/usr/$d/"
        rm -rf "${ROOT:?}/$d"
      fi
    done
    rm -rf "$debs"
    date > "$ROOT/.complete"
  fi
  exec 9>&-
}

certificates() { # an authority and a server certificate: $TLS/{ca,cert,key}.pem
  TLS=$MAILPROOF_STATE/tls
  [ -s "$TLS/cert.pem" ] && return
  mkdir -p "$TLS"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=mailproof test CA" \
    -keyout "$TLS/ca.key" -out "$TLS/ca.pem" 2> /dev/null
  openssl req -newkey rsa:2048 -nodes -subj "/CN=mail.$DOMAIN" -keyout "$TLS/key.pem" -out "$TLS/req.pem" 2> /dev/null
  printf 'subjectAltName=DNS:localhost,DNS:mail.%s,IP:127.0.0.1\n' "$DOMAIN" > "$TLS/ext"
  openssl x509 -req -in "$TLS/req.pem" -CA "$TLS/ca.pem" -CAkey "$TLS/ca.key" -CAcreateserial -days 30 \
    -extfile "$TLS/ext" -out "$TLS/cert.pem" 2> /dev/null
  chmod 755 "$TLS"
  chmod 600 "$TLS/key.pem"
}

greets() { # greets PORT implicit|clear: whether the service talks within 20 s
  local i line
  for i in $(seq 1 100); do
    if [ "$2" = implicit ]; then
      timeout 3 openssl s_client -connect "$ADDRESS:$1" < /dev/null 2> /dev/null | grep -q 'BEGIN CERT' && return 0
    elif line=$( { exec 3<> "/dev/tcp/$ADDRESS/$1"; read -r -t 10 line <&3; echo "$line"; } 2> /dev/null) && [ -n "$line" ]; then
      return 0
    fi
    sleep 0.2
    [ "$i" = 100 ] && return 1
  done
}

enter() { # becomes the first process of the jail; in a mount namespace of its own
  local jail=$MAILPROOF_STATE/jail m n
  mkdir -p "$jail"
  mount -t tmpfs -o mode=755 jail "$jail" # an overlay's upper layer may not lie on an overlay
  UP=$jail/upper m=$jail/root
  mkdir -p "$UP" "$jail/work" "$m"
  cp -a "$ROOT/." "$UP/"
  rm -f "$UP/.complete"
  mkdir -p "$UP/etc"
  printf '127.0.0.1 localhost\n127.0.0.1 mail.%s mail\n::1 localhost\n' "$DOMAIN" > "$UP/etc/hosts"
  echo "mail.$DOMAIN" > "$UP/etc/hostname"
  configure
  mount -t overlay overlay -o "lowerdir=/,upperdir=$UP,workdir=$jail/work" "$m"
  mkdir -p "$m$MAILPROOF_STATE"
  mount --rbind "$MAILPROOF_STATE" "$m$MAILPROOF_STATE"
  mount --rbind /sys "$m/sys" 2> /dev/null || true
  mount -t proc proc "$m/proc"
  mount -t tmpfs -o mode=755 dev "$m/dev"
  mkdir "$m/dev/shm" "$m/dev/pts"
  chmod 1777 "$m/dev/shm"
  for n in null zero full random urandom tty; do cp -a "/dev/$n" "$m/dev/$n"; done
  ln -s /proc/self/fd "$m/dev/fd"
  ln -s /proc/self/fd/1 "$m/dev/stdout"
  ln -s /proc/self/fd/2 "$m/dev/stderr"
  mount -t tmpfs -o mode=755 run "$m/run"
  hostname "mail.$DOMAIN"
  mkdir -p "$m/jail"
  cp "$HERE"/*.sh "$m/jail/"
  cd /
  exec env -i PATH="$PATH" HOME=/root LANG=C.UTF-8 MAILPROOF_STATE="$MAILPROOF_STATE" \
    MAILPROOF_PORT_BASE="$MAILPROOF_PORT_BASE" chroot "$m" /bin/bash "/jail/$(basename "$SELF")" inside
}

inside() { # process 1 of the jail: collects syslog, starts the server, reaps orphans
  perl -MIO::Socket::UNIX -e '
    my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "/dev/log") or die;
    chmod 0666, "/dev/log"; open my $o, ">>", $ARGV[0] or die; select $o; $| = 1; my $b;
    while (defined $s->recv($b, 65536)) { $b =~ s/\0//g; $b =~ s/\n*$/\n/; print $b }' "$MAILPROOF_STATE/log/syslog" &
  local i
  for i in 1 2 3 4 5 6 7 8 9 10; do [ -S /dev/log ] && break; sleep 0.05; done
  set +e
  boot >> "$MAILPROOF_STATE/log/server" 2>&1 &
  while :; do sleep 3600 & wait $!; done
}

jail_main() {
  case ${1:-start} in
  start) ;;
  enter) enter; return ;;
  inside) TLS=$MAILPROOF_STATE/tls; inside; return ;;
  fetch) fetch; return ;;
  *) die "usage: $0 [start|fetch]" ;;
  esac
  [ "$(id -u)" = 0 ] || die "needs root: the server runs in namespaces of its own"
  local s p list="" init
  export MAILPROOF_STATE=${MAILPROOF_STATE:-$(mktemp -d /tmp/mailproof-XXXXXX)}
  export MAILPROOF_PORT_BASE=${MAILPROOF_PORT_BASE:-$((20000 + RANDOM % 8000))}
  MAILPROOF_STATE=$(readlink -f "$MAILPROOF_STATE")
  mkdir -p "$MAILPROOF_STATE/log"
  chmod 755 "$MAILPROOF_STATE"
  fetch
  certificates
  export ROOT TLS
  unshare -m -p -i -u -f --kill-child --propagation private /bin/bash "$SELF" enter \
    < /dev/null >> "$MAILPROOF_STATE/log/jail" 2>&1 &
  init=$!
  # shellcheck disable=SC2064
  trap "kill -9 $init 2> /dev/null || true" EXIT
  trap 'exit 0' TERM INT
  for s in $SERVICES; do
    p=$(port "${s%%=*}")
    case ${s%%=*} in *s) greets "$p" implicit ;; *) greets "$p" clear ;; esac || {
      tail -n 5 "$MAILPROOF_STATE"/log/* >&2
      die "no greeting on ${s%%=*} port $p within 20 s"
    }
    list="$list${list:+,}\"${s%%=*}\":\"$ADDRESS:$p\""
  done
  [ "$(type -t first_logins)" != function ] || first_logins || die "a first login failed"
  echo "{\"ready\":true,\"services\":{$list},\"ca\":\"$TLS/ca.pem\",\"state\":\"$MAILPROOF_STATE\"}"
  while kill -0 "$init" 2> /dev/null; do # until our input ends or the jail does
    if read -r -t 1 _; then :; elif [ $? -le 128 ]; then break; fi
  done
}
