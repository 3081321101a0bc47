// What module.cpp, a shared object of a user's, offers to a program that loads it.
#pragma once

#include <gossamer/gossamer.hpp>

#include <string>

struct module_task {
  gossamer::chan<int> in;           // numbers, until it is closed
  gossamer::chan<std::string> out;  // their squares as text; the module closes it
  gossamer::chan<void> stop;        // nobody sends
  gossamer::sync::mutex* mu;        // guards count
  int* count;                       // how many the module has seen
  void (*callback)();               // throws something of the program's
};

// By the names of what is extern "C" in the module.
using module_work = void (*)(const module_task&);  // starts fibers; returns at once
using module_throw = void (*)();                   // throws an exception of the module's own type
using module_panic = void (*)();                   // panics
using module_run = int (*)();                      // runs a runtime: returns 4
