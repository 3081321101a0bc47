// frame: functions whose frames a test looks for: not inlined, nor turned into something else.
#pragma once

#if defined(__clang__)
#define FRAME [[gnu::noinline]]
#else
#define FRAME [[gnu::noipa]]
#endif
