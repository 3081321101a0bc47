#!/usr/bin/env bash
# recvmsg() with MSG_CMSG_CLOEXEC gives that flag back in msg_flags, whether or not a descriptor has come.
#
# Expected: recvmsg(2) lists what msg_flags may hold on return: MSG_EOR, MSG_TRUNC, MSG_CTRUNC, MSG_OOB and MSG_ERRQUEUE.
# So a message that came whole, on a socket without any of that, has 0, and `flags != 0` finds the others.
# Seen on Linux 6.18 (x86-64, glibc 2.36): the flag comes back with every message, of UDP as of unix sockets, and no
# other request does (MSG_DONTWAIT, MSG_WAITALL); recvmmsg() does the same for each message.
#
#   udp, asked for nothing: 0
#   udp, asked for MSG_CMSG_CLOEXEC: 0x40000000
#   udp, asked for MSG_DONTWAIT and MSG_WAITALL: 0
#   unix, asked for MSG_CMSG_CLOEXEC: 0x40000000
#   udp by recvmmsg, asked for MSG_CMSG_CLOEXEC: 0x40000000
#
# Exit code 0 if it is still so, 1 if not.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/flags.c" <<'C'
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>

static int both[2];

static void udp(void) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof at;
  both[0] = socket(AF_INET, SOCK_DGRAM, 0);
  both[1] = socket(AF_INET, SOCK_DGRAM, 0);
  bind(both[1], (struct sockaddr *)&at, sizeof at);
  getsockname(both[1], (struct sockaddr *)&at, &size);
  connect(both[0], (struct sockaddr *)&at, size);
}

static void show(const char *what, int asked, int many) {
  char byte;
  struct iovec part = {&byte, 1};
  struct mmsghdr m = {.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}};
  send(both[0], "x", 1, 0);
  if (many)
    recvmmsg(both[1], &m, 1, asked, NULL);
  else
    recvmsg(both[1], &m.msg_hdr, asked);
  printf("%s: %#x\n", what, (unsigned)m.msg_hdr.msg_flags);
}

int main(void) {
  udp();
  show("udp, asked for nothing", 0, 0);
  show("udp, asked for MSG_CMSG_CLOEXEC", MSG_CMSG_CLOEXEC, 0);
  show("udp, asked for MSG_DONTWAIT and MSG_WAITALL", MSG_DONTWAIT | MSG_WAITALL, 0);
  socketpair(AF_UNIX, SOCK_STREAM, 0, both);
  show("unix, asked for MSG_CMSG_CLOEXEC", MSG_CMSG_CLOEXEC, 0);
  udp();
  show("udp by recvmmsg, asked for MSG_CMSG_CLOEXEC", MSG_CMSG_CLOEXEC, 1);
  return 0;
}
C
cc -o "$work/flags" "$work/flags.c"
"$work/flags" | tee "$work/seen"
diff - "$work/seen" <<'SEEN'
udp, asked for nothing: 0
udp, asked for MSG_CMSG_CLOEXEC: 0x40000000
udp, asked for MSG_DONTWAIT and MSG_WAITALL: 0
unix, asked for MSG_CMSG_CLOEXEC: 0x40000000
udp by recvmmsg, asked for MSG_CMSG_CLOEXEC: 0x40000000
SEEN
