#!/usr/bin/env bash
# A TLS 1.3 client on OpenSSL that refuses the server's certificate says so in an unencrypted alert, which a server that
# goes by RFC 8446 cannot read: it reports a failed decryption instead of the refusal.
#
# Expected: once the client has the server's key share, it sends everything under the handshake's keys (RFC 8446, 5.2),
# so a refusal travels as a record of type 23 and the server says `unknown ca`.
# Seen with openssl 3.0.22 (Debian 12, 3.0.22-1~deb12u2) as client: behind its hello comes one record of type 21 (alert)
# with two bytes, with and without -no_middlebox. OpenSSL's own server reads it; a server on GnuTLS 3.7.9 (Debian 12,
# 3.7.9-2+deb12u7) logs a message that cannot be decrypted, so that whoever looks for the reason of failed handshakes
# is led to keys and not to certificates. The client's exit and its own message are right.
#
#   to gnutls-serv                client's records: 22 21/2  server: Error in handshake: Decryption has failed.
#   to gnutls-serv, no_middlebox  client's records: 22 21/2  server: Error in handshake: Decryption has failed.
#   to openssl s_server           client's records: 22 21/2  server: tlsv1 alert unknown ca
#
# Exit code 0 if it is still so, 1 if not.
set -euo pipefail
work=$(mktemp -d)
servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
chmod 755 . # apt reads as its own user
apt-get download -qq openssl=3.0.22-1~deb12u2 libssl3=3.0.22-1~deb12u2 gnutls-bin=3.7.9-2+deb12u7 \
  libgnutls30=3.7.9-2+deb12u7 libgnutls-dane0=3.7.9-2+deb12u7 libunbound8 libopts25 libevent-2.1-7
for package in *.deb; do dpkg -x "$package" .; done
LD_LIBRARY_PATH=$work/usr/lib/$(uname -m)-linux-gnu
export LD_LIBRARY_PATH PATH=$work/usr/bin:$PATH
[[ $(openssl version) == 'OpenSSL 3.0.22 '* ]]
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 2 \
  -subj /CN=localhost 2>/dev/null
port() { python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
strict=$(port)
own=$(port)
gnutls-serv --echo --port "$strict" --x509keyfile key.pem --x509certfile cert.pem \
  --priority NORMAL:-VERS-ALL:+VERS-TLS1.3 >>strict.log 2>&1 &
servers+=($!)
openssl s_server -accept "$own" -cert cert.pem -key key.pem -tls1_3 >own.log 2>&1 < <(sleep 60) &
servers+=($!)
for _ in $(seq 50); do
  if grep -q 'IPv6.*done' strict.log && grep -q ACCEPT own.log; then break; fi
  sleep 0.1
done
cat >relay.py <<'PY'
import socket, subprocess, sys, threading

# Passes on what both sides send, and prints the client's records: their types, and an alert's length.
client_options, server = sys.argv[2:], int(sys.argv[1])
listener = socket.create_server(("127.0.0.1", 0))
sent = b""

def pump(source, to, keep):
    global sent
    while piece := source.recv(65536):
        if keep:
            sent += piece
        to.sendall(piece)
    to.shutdown(socket.SHUT_WR)

def relay():
    a, _ = listener.accept()
    b = socket.create_connection(("127.0.0.1", server))
    both = [threading.Thread(target=pump, args=p) for p in ((a, b, True), (b, a, False))]
    for t in both:
        t.start()
    both[0].join()

thread = threading.Thread(target=relay, daemon=True)
thread.start()
subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{listener.getsockname()[1]}", "-tls1_3",
                "-verify_return_error", *client_options], stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
thread.join(5)
kinds = []
while sent:
    length = int.from_bytes(sent[3:5], "big")
    kinds.append("22" if sent[0] == 22 else f"{sent[0]}/{length}")
    sent = sent[5 + length:]
print(*kinds)
PY
said() { # LOG PATTERN: what the server says about the handshake that has just failed
  for _ in $(seq 50); do
    if grep -o "$2" "$1" | tail -n 1 | grep .; then return; fi
    sleep 0.1
  done
}
{
  printf '%-29s client'"'"'s records: %s  server: %s\n' 'to gnutls-serv' "$(python3 relay.py "$strict" 2>/dev/null)" \
    "$(said strict.log 'Error in handshake: .*')"
  : >strict.log
  printf '%-29s client'"'"'s records: %s  server: %s\n' 'to gnutls-serv, no_middlebox' \
    "$(python3 relay.py "$strict" -no_middlebox 2>/dev/null)" "$(said strict.log 'Error in handshake: .*')"
  printf '%-29s client'"'"'s records: %s  server: %s\n' 'to openssl s_server' "$(python3 relay.py "$own" 2>/dev/null)" \
    "$(said own.log 'tlsv1 alert unknown ca')"
} | tee seen
diff seen - <<'SEEN'
to gnutls-serv                client's records: 22 21/2  server: Error in handshake: Decryption has failed.
to gnutls-serv, no_middlebox  client's records: 22 21/2  server: Error in handshake: Decryption has failed.
to openssl s_server           client's records: 22 21/2  server: tlsv1 alert unknown ca
SEEN
