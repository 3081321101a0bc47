#!/usr/bin/env bash
# A certificate for `*.my_zone.example` is for no host at all to OpenSSL: it takes a star for one only where no label has
# an underscore. The same name spelt out is fine, and so is the star without the underscore; GnuTLS takes both.
#
# Expected: a star stands for the first label, whatever the others are (RFC 6125, 6.4.3; RFC 9525, 6.3), and a label that
# matches when it is compared letter by letter does not stop to because of a star in front of it.
# Seen with openssl 3.0.22 (Debian 12, 3.0.22-1~deb12u2): `verify -verify_hostname` says `hostname mismatch`, which reads
# as if the names differed. GnuTLS 3.7.9 (Debian 12, 3.7.9-2+deb12u7) says of the same files that they are good. Of a
# star above one label alone (`*.internal`) neither of them wants to know anything.
#
#   *.a.example        db.a.example        openssl: OK                 gnutls: Verified
#   db.my_zone.example db.my_zone.example  openssl: OK                 gnutls: Verified
#   *.my_zone.example  db.my_zone.example  openssl: hostname mismatch  gnutls: Verified
#   *.internal         db.internal         openssl: hostname mismatch  gnutls: Not verified
#
# Exit code 0 if it is still so, 1 if not.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
chmod 755 . # apt reads as its own user
apt-get download -qq openssl=3.0.22-1~deb12u2 libssl3=3.0.22-1~deb12u2 gnutls-bin=3.7.9-2+deb12u7 \
  libgnutls30=3.7.9-2+deb12u7 libgnutls-dane0=3.7.9-2+deb12u7 libunbound8 libopts25 libevent-2.1-7
for package in *.deb; do dpkg -x "$package" .; done
LD_LIBRARY_PATH=$work/usr/lib/$(uname -m)-linux-gnu
export LD_LIBRARY_PATH PATH=$work/usr/bin:$PATH
[[ $(openssl version) == 'OpenSSL 3.0.22 '* ]]
row() { # NAME HOST
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 2 \
    -subj /CN=test -addext "subjectAltName=DNS:$1" 2>/dev/null
  local by_openssl by_gnutls
  by_openssl=$(openssl verify -CAfile cert.pem -verify_hostname "$2" cert.pem 2>&1 |
    grep -oE 'hostname mismatch|OK' | head -n 1) || true
  by_gnutls=$(certtool --verify --load-ca-certificate cert.pem --verify-hostname "$2" <cert.pem 2>&1 |
    sed -n 's/.*Chain verification output: \([A-Za-z ]*\)\..*/\1/p') || true
  printf '%-18s %-18s  openssl: %-17s  gnutls: %s\n' "$1" "$2" "$by_openssl" "$by_gnutls"
}
{
  row '*.a.example' db.a.example
  row db.my_zone.example db.my_zone.example
  row '*.my_zone.example' db.my_zone.example
  row '*.internal' db.internal
} | tee seen
diff seen - <<'SEEN'
*.a.example        db.a.example        openssl: OK                 gnutls: Verified
db.my_zone.example db.my_zone.example  openssl: OK                 gnutls: Verified
*.my_zone.example  db.my_zone.example  openssl: hostname mismatch  gnutls: Verified
*.internal         db.internal         openssl: hostname mismatch  gnutls: Not verified
SEEN
