// doctest/doctest.h: the header's usual name, for a doctest that comes from subprojects/doctest.wrap, whose include
// directory is one level deeper than an installed one's.
#pragma once

#include <doctest.h>
