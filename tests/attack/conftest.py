# SPDX-License-Identifier: Apache-2.0
from front.conftest import front, start  # noqa: F401
