#!/usr/bin/env bash
# close() of a socket that is in an epoll set returns, and its address is still taken.
#
# Expected: epoll(7) says that closing the last descriptor of a file removes it from all sets; so once close() has
# returned, a bind() to the address of that socket works.
# Seen on Linux 6.18 (x86-64, 2 cores, glibc 2.36): while another thread polls the set, bind() of the same address fails
# with EADDRINUSE in some of the rounds, and works a moment later. A poll that looks at the socket at the moment of the
# close() holds a reference to its file (since Linux 6.10), and the socket ends when that thread leaves the kernel.
# With EPOLL_CTL_DEL before close(), it never fails: the removal waits for the poll.
#
#   close only:      taken N of 200000        (N > 0)
#   DEL, then close: taken 0 of 200000
#
# Exit code 0 if it is still so, 1 if not (older kernels: 0 in both rows).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/close.c" <<'C'
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static int set;
static volatile int over;

static void *polls(void *unused) {
  struct epoll_event e[8];
  while (!over) epoll_wait(set, e, 8, 0);
  return unused;
}

static int taken(int rounds, int del) {
  int n = 0;
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  for (int i = 0; i < rounds; ++i) {
    int s = socket(AF_INET, SOCK_DGRAM, 0), again = socket(AF_INET, SOCK_DGRAM, 0);
    socklen_t size = sizeof at;
    at.sin_port = 0;
    bind(s, (struct sockaddr *)&at, sizeof at);
    getsockname(s, (struct sockaddr *)&at, &size);
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET};
    epoll_ctl(set, EPOLL_CTL_ADD, s, &e);
    if (del) epoll_ctl(set, EPOLL_CTL_DEL, s, &e);
    close(s);
    n += bind(again, (struct sockaddr *)&at, sizeof at) != 0 && errno == EADDRINUSE;
    close(again);
  }
  return n;
}

int main(void) {
  const int rounds = 200000;
  set = epoll_create1(0);
  pthread_t t;
  pthread_create(&t, 0, polls, 0);
  const int only = taken(rounds, 0), first = taken(rounds, 1);
  over = 1;
  pthread_join(t, 0);
  printf("close only:      taken %d of %d\nDEL, then close: taken %d of %d\n", only, rounds, first, rounds);
  return !(only > 0 && first == 0);
}
C
command -v gcc >/dev/null || { apt-get -qq update && apt-get -qq install -y gcc libc6-dev; }
uname -r
gcc -O2 -pthread -o "$work/close" "$work/close.c"
"$work/close"
