#!/usr/bin/env bash
# nginx with server-side includes leaves out the end of a page that ends in `<`, `<!--` or what lies between.
#
# Expected: what is no SSI command is delivered as it is.
# Seen with nginx 1.22.1 (Debian 12, 1.22.1-9+deb12u9) with `ssi on`: the filter keeps back what may be the beginning of
# `<!--#`, and at the end of the page it is not delivered. No error is logged, and the answer is a whole one
# (status 200, Transfer-Encoding: chunked, which ends in order), so no client can tell. Anything behind it, a line's end
# say, and all is delivered. Without SSI the page is whole.
#
#   one < two          ssi: 'one < two'        off: 'one < two'
#   one <              ssi: 'one '             off: 'one <'
#   one <!--           ssi: 'one '             off: 'one <!--'
#   one <!--x          ssi: 'one <!--x'        off: 'one <!--x'
#
# Exit code 0 if it is still so, 1 if not.
set -euo pipefail
work=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
server=
cd "$work"
chmod 755 . # apt reads as its own user
apt-get download -qq nginx=1.22.1-9+deb12u9
dpkg -x nginx_*.deb .
mkdir www
printf 'one < two' >www/0.html
printf 'one <' >www/1.html
printf 'one <!--' >www/2.html
printf 'one <!--x' >www/3.html
cat >nginx.conf <<CONF
daemon off;
pid $work/pid;
error_log $work/errors;
events {}
http {
  access_log off;
  types { text/html html; }
  client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3;
  uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
  server {
    listen unix:$work/socket;
    location /ssi/ { alias $work/www/; ssi on; }
    location /off/ { alias $work/www/; }
  }
}
CONF
usr/sbin/nginx -c "$work/nginx.conf" -e "$work/errors" &
server=$!
for _ in $(seq 50); do
  if [[ -S socket ]]; then break; fi
  sleep 0.1
done
python3 - <<'PY' | tee seen
import http.client, socket

class Local(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("socket")

def get(path):
    c = Local("localhost")
    c.request("GET", path)
    answer = c.getresponse()
    assert answer.status == 200
    return answer.read().decode()

for i in range(4):
    print(f"{open(f'www/{i}.html').read():<18} ssi: {get(f'/ssi/{i}.html')!r:<18} off: {get(f'/off/{i}.html')!r}")
PY
diff seen - <<'SEEN'
one < two          ssi: 'one < two'        off: 'one < two'
one <              ssi: 'one '             off: 'one <'
one <!--           ssi: 'one '             off: 'one <!--'
one <!--x          ssi: 'one <!--x'        off: 'one <!--x'
SEEN
[[ ! -s errors ]]
