#!/bin/sh
# Puts coinsync on a Debian server. Everything here can be done by hand, along docs/operations.md.
#
#   sudo sh docs/deploy/install.sh [--dry-run] [NAME]
#
# NAME is the server's name on the internet, such as coins.school.example: with it nginx and a certificate are set up too.
# Each step is printed before it is done. To run it once more does what is missing, and brings a newer version.
set -eu
umask 022
dry_run='' name=''
for word in "$@"; do
    case "$word" in
        --dry-run) dry_run=yes ;;
        -*) echo "install.sh: unknown option $word" >&2; exit 2 ;;
        *) name=$word ;;
    esac
done
case "$name" in *[!a-z0-9.-]*) echo "install.sh: $name is no name of a server" >&2; exit 2 ;; esac
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)

say() { printf '\n== %s\n' "$*"; }
step() { # step WORD...: a command, printed as it could be typed, and run
    printf ' +'
    for word in "$@"; do
        case "$word" in *[!A-Za-z0-9_./=,:@+%-]* | '') printf ' "%s"' "$word" ;; *) printf ' %s' "$word" ;; esac
    done
    echo
    [ -n "$dry_run" ] || "$@"
}
named() { # named SOURCE TARGET: a file with the server's own name in it
    step sh -c "sed 's/coins\\.school\\.example/$name/g' '$1' > '$2'"
}
reload_nginx() {
    step nginx -t -q
    if [ -d /run/systemd/system ]; then step systemctl reload-or-restart nginx; else echo "   no systemd here: start nginx, or reload it"; fi
}
secret() { # secret FILE: an empty file that the sync's user alone can read; one that is there stays
    [ -e "$1" ] || step install -m 600 -o coinsync -g coinsync /dev/null "$1"
}
[ -n "$dry_run" ] || [ "$(id -u)" = 0 ] || { echo "install.sh: run it as root: sudo sh $0" >&2; exit 2; }

say "Programs from Debian"
step apt-get update -qq
step env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv sudo util-linux ${name:+nginx-light certbot}

say "Two users: coinsync writes, coinsync-web reads. Whoever is in the group coinsync-admin runs commands"
getent group coinsync-admin >/dev/null || step groupadd --system coinsync-admin
getent group coinsync-web >/dev/null || step groupadd --system coinsync-web
getent passwd coinsync >/dev/null || step useradd --system --user-group --home-dir /var/lib/coinsync --no-create-home --shell /usr/sbin/nologin coinsync
getent passwd coinsync-web >/dev/null || step useradd --system --gid coinsync-web --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin coinsync-web
step usermod --append --groups coinsync-admin,coinsync-web coinsync
[ -z "${SUDO_USER:-}" ] || [ "$SUDO_USER" = root ] || step usermod --append --groups coinsync-admin "$SUDO_USER"

say "Folders"
step install -d -m 755 /opt/coinsync /etc/coinsync /usr/local/lib/coinsync /var/www/coinsync
step install -d -m 2750 -o coinsync -g coinsync-web /var/lib/coinsync
step install -d -m 2750 -o coinsync -g coinsync-web /var/lib/coinsync/pictures.web
step install -d -m 700 -o coinsync -g coinsync /var/lib/coinsync/state /var/backups/coinsync
secret /etc/coinsync/web.secrets
[ -e /etc/coinsync/jobs.env ] || { step install -m 640 "$here/jobs.env" /etc/coinsync/jobs.env; step chgrp coinsync /etc/coinsync/jobs.env; }

say "The program, in an environment of its own"
[ -e /opt/coinsync/venv/bin/pip ] || step python3 -m venv /opt/coinsync/venv
# From a copy: pip builds where the source lies, and would take in what an earlier build left there.
step rm -rf /opt/coinsync/source
step install -d -m 755 /opt/coinsync/source
step sh -c "tar -C '$source' --exclude=.git --exclude=.venv --exclude=build -c . | tar -C /opt/coinsync/source -x --no-same-owner"
# Only files whose hash stands in the list; the program itself is built by the setuptools of that list.
step /opt/coinsync/venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement /opt/coinsync/source/requirements.txt
step /opt/coinsync/venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation /opt/coinsync/source

say "Commands for people, and jobs for the night"
step install -m 755 "$here/coinsync" /usr/local/bin/coinsync
step install -m 755 "$here/job" /usr/local/lib/coinsync/job
[ ! -d /etc/sudoers.d ] || step install -m 440 "$here/sudoers" /etc/sudoers.d/coinsync
step install -d -m 755 /etc/bash_completion.d
step install -m 644 "$here/completion.bash" /etc/bash_completion.d/coinsync
for unit in "$here"/systemd/*; do step install -m 644 "$unit" "/etc/systemd/system/$(basename "$unit")"; done
if [ -d /run/systemd/system ]; then
    step systemctl daemon-reload
    for job in sync deep backup waiting reconcile; do step systemctl enable --quiet --now "coinsync-$job.timer"; done
    step systemctl enable --quiet coinsync-database coinsync-web
    [ ! -e /etc/coinsync/config.toml ] || step systemctl restart coinsync-database coinsync-web
else
    echo "   no systemd here: crontab -u coinsync crontab.example runs the jobs"
fi

if [ -n "$name" ]; then
    say "nginx: port 80, then a certificate, then TLS"
    step install -m 644 "$here/nginx/busy.html" /var/www/coinsync/busy.html
    step install -m 644 "$here/nginx/away.html" /var/www/coinsync/away.html
    named "$here/nginx/coinsync.conf" /etc/nginx/conf.d/coinsync.conf
    reload_nginx
    [ -e "/etc/letsencrypt/live/$name/fullchain.pem" ] ||
        step certbot certonly --webroot -w /var/www/coinsync -d "$name" --deploy-hook 'systemctl reload nginx'
    named "$here/nginx/coinsync-tls.conf" /etc/nginx/conf.d/coinsync-tls.conf
    reload_nginx
fi

say "Done. Next: sudo coinsync init"
