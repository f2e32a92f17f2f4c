# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the API tests."""
import pytest
from api_kinds import PASSWORD, Kinds, new_person


@pytest.fixture(scope="module")
def roles(posternd, admin):
    """A signed-in client for each role."""
    clients = {"admin": admin}
    for role in ("member", "auditor"):
        person = new_person(admin, role)
        clients[role] = posternd.sign_in(person["email"], PASSWORD)
    return clients


@pytest.fixture(scope="module")
def description(posternd):
    return posternd.rest().get("/api/v1/openapi.json").expect(200).json


@pytest.fixture(scope="module")
def kinds(admin):
    return Kinds(admin)
