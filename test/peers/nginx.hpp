// nginx: a web server over the files of a directory: as they are below /, in chunks below /chunked/, and to be written
// below /put/.
#pragma once

#include <gossamer/gossamer.hpp>
#include <gossamer/os/file.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "fiber_test.hpp"
#include "peer.hpp"

namespace peers {

class nginx {
 public:
  nginx() {
    for (const char* name : {"www", "put", "scratch"}) {
      std::filesystem::create_directory(room_ / name);
    }
    CHECK(gossamer::os::write_file(room_ / "nginx.conf", config(), 0600) == gossamer::nil);
    its_.emplace("nginx", "-p", room_.path(), "-c", room_ / "nginx.conf", "-e", room_ / "error.log");
    CHECK(its_->serves("tcp", place()));
  }
  std::string place() const { return "127.0.0.1:" + port_; }
  std::string root() const { return room_ / "www"; }
  void add(std::string_view name, std::string_view content) const {
    CHECK(gossamer::os::write_file(room_ / ("www/" + std::string(name)), content, 0600) == gossamer::nil);
  }
  // What was put there.
  std::string put(std::string_view name) const {
    return gossamer::os::read_file(room_ / ("put/" + std::string(name))).first;
  }

 private:
  // A single process, which is gone when it is killed. What the server takes for server-side includes has no length
  // that is known before, and so goes in chunks.
  std::string config() const {
    const std::string scratch = room_ / "scratch";
    return "daemon off;\nmaster_process off;\npid " + (room_ / "pid") + ";\n" +
           "events { worker_connections 512; }\n"
           "http {\n"
           "  access_log off;\n  default_type application/octet-stream;\n  keepalive_requests 100000;\n"
           "  client_max_body_size 100m;\n" +
           "  client_body_temp_path " + scratch + "/a;\n  proxy_temp_path " + scratch + "/b;\n  fastcgi_temp_path " +
           scratch + "/c;\n  uwsgi_temp_path " + scratch + "/d;\n  scgi_temp_path " + scratch + "/e;\n" +
           "  server {\n    listen 127.0.0.1:" + port_ + ";\n    root " + root() + ";\n" +
           "    location /chunked/ { alias " + root() + "/; ssi on; ssi_types *; }\n" + "    location /put/ { root " +
           room_.path() + "; dav_methods PUT; }\n  }\n}\n";
  }

  folder room_;
  std::string port_ = free_port();
  std::optional<peer> its_;
};

}  // namespace peers
