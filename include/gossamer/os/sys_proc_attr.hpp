// os/sys_proc_attr: what a program starts with besides its arguments, environment and files: its session and process
// group, its terminal, its user, its root. Source: Go's syscall.SysProcAttr. Differs: no namespaces, capabilities,
// cgroups or ptrace; and `pdeathsig` is about the process.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "../detail/config.hpp"
#include "../os.hpp"

namespace gossamer::inline v0::os {

// Who the program is. To be another than this process takes its privileges (CAP_SETUID, CAP_SETGID). The start costs
// more the more memory this process has, as fork() does: up to 100 us a MB; without a credential it does not.
struct credential {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups{};  // its further groups: these and no others
  bool no_set_groups = false;   // they stay this process's instead; setting them takes privileges, too
};

// Done in the order of the members; the program's directory is entered once it is who it is to be. What the kernel
// refuses is the command's error: `fork/exec /bin/x: operation not permitted`.
struct sys_proc_attr {
  // It leads a session of its own, without a terminal.
  bool setsid = false;
  // Its process group: `pgid`, or, if that is 0, one of its own. One that leads a session is in its own already, and is
  // refused.
  bool setpgid = false;
  int pgid = 0;
  // Its process group, as by setpgid, gets the terminal whose descriptor, in this process, is `ctty`.
  bool foreground = false;
  // The root of its file system. Its path and its directory are looked up from there.
  std::string chroot{};
  std::optional<os::credential> credential{};
  // This signal is sent to it when this process ends, however it does. The kernel sends it at the end of the thread
  // that started the program: a worker does, which never ends, also where a plain thread calls start(). A program that
  // gains privileges as it starts gets none.
  os::signal pdeathsig{};
  // It gives up the terminal that it shares with this process, if its standard input is that one.
  bool noctty = false;
  // The terminal of its session (setsid) becomes the one that is its descriptor `ctty`.
  bool setctty = false;
  int ctty = 0;
};

}  // namespace gossamer::inline v0::os
