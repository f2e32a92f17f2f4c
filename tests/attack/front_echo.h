/* SPDX-License-Identifier: Apache-2.0 */
/* The two halves of the driver that the tests of the front use: the real front, and a stand-in for core. */
#pragma once

/* Serves frames on the unix socket until it is killed; prints "core" when it listens. */
int core_echo_main(const char *path);
