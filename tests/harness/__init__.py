# SPDX-License-Identifier: Apache-2.0
"""What tests, ./dev up and ./dev bench share: runs, hosts, the testing ground, the real programs. See README.md."""
