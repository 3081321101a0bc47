#!/usr/bin/env bash
# From OpenSSL 3.2 on the newest error of a TLS record that cannot be read may say nothing: behind the reason the record
# layer queues `record layer failure`. A program that reports the newest error (ERR_peek_last_error) loses the reason with
# an upgrade of the library, and by no rule that could be seen from outside: of a peer that answers with HTTP, or with a
# type of record that there is none of, it still hears the reason last.
#
# Expected: with the same program and the same peer the newest error stays the reason, as in OpenSSL 1.0 to 3.1.
# Seen with openssl 3.0.22 (Debian 12, 3.0.22-1~deb12u2) and 3.5.9 (Debian 13, 3.5.9-1~deb13u1), of a client whose server
# answers in HTTP, with a record of a type that is not known, of a version 3.9, and longer than records are:
#
#   3.0.22 HTTP: wrong version number
#   3.0.22 type: unexpected message
#   3.0.22 version: wrong version number
#   3.0.22 length: packet length too long
#   3.5.9 HTTP: wrong version number
#   3.5.9 type: unexpected message
#   3.5.9 version: wrong version number, record layer failure
#   3.5.9 length: data length too long, record layer failure
#
# Exit code 0 if it is still so, 1 if not. On Debian 12; amd64 or arm64.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
chmod 755 . # apt reads as its own user
# shellcheck disable=SC2016 # apt fills it in
site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -m 1 'debian$')
keys=/usr/share/keyrings/debian-archive-keyring.gpg
get() { # SUITE PACKAGE=VERSION...: unpacks them in a folder of the suite's name
  mkdir -p "$1/lists/partial"
  printf 'deb [signed-by=%s] %s %s main\n' "$keys" "$site" "$1" >"$1.list"
  printf 'deb [signed-by=%s] %s-security %s-security main\n' "$keys" "$site" "$1" >>"$1.list"
  local apt=(apt-get -qq -o Dir::Etc::sourcelist="$work/$1.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::State::lists="$work/$1/lists" -o APT::Sandbox::User=root)
  "${apt[@]}" update
  (cd "$1" && "${apt[@]}" download "${@:2}" && for package in *.deb; do dpkg -x "$package" .; done)
}
get bookworm libssl3=3.0.22-1~deb12u2 libssl-dev=3.0.22-1~deb12u2
get trixie libssl3t64=3.5.9-1~deb13u1 libc6=2.41-12+deb13u5 libzstd1 zlib1g
cat >client.c <<'SOURCE'
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

static void answer(const char *what, const void *bytes, size_t n) {
  SSL *ssl = SSL_new(SSL_CTX_new(TLS_client_method()));
  BIO *in = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl, in, BIO_new(BIO_s_mem()));
  SSL_connect(ssl); /* its ClientHello; it wants to read */
  BIO_write(in, bytes, (int)n);
  ERR_clear_error();
  SSL_connect(ssl);
  printf("%s %s", OpenSSL_version(OPENSSL_VERSION_STRING), what);
  const char *before = ": ";
  for (unsigned long code; (code = ERR_get_error()) != 0; before = ", ") {
    printf("%s%s", before, ERR_reason_error_string(code));
  }
  printf("\n");
}

int main(void) {
  static const char http[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
  static const unsigned char type[] = {0x30, 3, 3, 0, 1, 1};
  static const unsigned char version[12] = {0x16, 3, 9, 0, 1, 1};
  static const unsigned char length[5 + 0xffff] = {0x16, 3, 3, 0xff, 0xff};
  answer("HTTP", http, strlen(http));
  answer("type", type, sizeof type);
  answer("version", version, sizeof version);
  answer("length", length, sizeof length);
  return 0;
}
SOURCE
cpu=$(uname -m)-linux-gnu
gcc -O1 -I"bookworm/usr/include" -I"bookworm/usr/include/$cpu" client.c -o client "bookworm/usr/lib/$cpu/libssl.so.3" \
  "bookworm/usr/lib/$cpu/libcrypto.so.3"
{
  LD_LIBRARY_PATH="bookworm/usr/lib/$cpu" ./client
  "$(find trixie/usr/lib* -name 'ld-linux-*' -print -quit)" --library-path "trixie/usr/lib/$cpu" ./client
} | tee seen
diff seen - <<'SEEN'
3.0.22 HTTP: wrong version number
3.0.22 type: unexpected message
3.0.22 version: wrong version number
3.0.22 length: packet length too long
3.5.9 HTTP: wrong version number
3.5.9 type: unexpected message
3.5.9 version: wrong version number, record layer failure
3.5.9 length: data length too long, record layer failure
SEEN
