"""Connections to the web: public hosts only, at the addresses that were checked, and TLS by name."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from newsletter.sources import Web
from newsletter.sources.network import is_public
from tests.website import FEED, Site, page, status

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
WEB = Web("https://desk.example", allow_private=True)


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/feed",
        "http://localhost:{port}/feed",
        "http://0x7f.1:{port}/feed",
        "http://2130706433:{port}/feed",
        "http://0x7f000001:{port}/feed",
        "http://127.1:{port}/feed",
        "http://0:{port}/feed",
        "http://[::ffff:127.0.0.1]:{port}/feed",
        "http://[::1]:{port}/feed",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/",
        "http://192.168.1.1/",
        "http://[fd00::1]/",
        "http://[fe80::1]/",
        "http://224.0.0.1/",
        "http://100.64.0.1/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
    ],
)
def test_no_request_reaches_a_private_host_however_it_is_spelt(site: Site, url: str) -> None:
    site.pages["/feed"] = page(FEED)
    answer = Web("").get(url.format(port=site.port), state=None, now=NOW)
    assert site.asked == []
    assert answer.problem is not None
    assert "not an address of the public internet" in answer.problem.found


def test_a_redirect_to_a_private_host_is_refused(site: Site) -> None:
    site.pages["/0"] = status(302, Location=f"http://inside.example:{site.port}/feed")
    site.pages["/feed"] = page(FEED)
    outside = Web("", allow_private=True, lookup=lambda host, port: ["127.0.0.1"])
    assert outside.get(f"http://outside.example:{site.port}/0", state=None, now=NOW).data == FEED
    answer = Web("", lookup=lambda host, port: ["127.0.0.1"]).get(
        f"http://inside.example:{site.port}/feed", state=None, now=NOW
    )
    assert answer.problem is not None
    assert [path for path, _ in site.asked] == ["/0", "/feed"]


def test_every_redirect_is_looked_up_and_checked_anew(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.pages |= {"/0": status(302, Location=f"http://inside.example:{site.port}/feed"), "/feed": page(FEED)}
    addresses = {"outside.example": "127.0.0.1", "inside.example": "127.0.0.2"}
    monkeypatch.setattr("newsletter.sources.network.is_public", lambda address: address == "127.0.0.1")
    answer = Web("", lookup=lambda host, port: [addresses[host]]).get(
        f"http://outside.example:{site.port}/0", state=None, now=NOW
    )
    assert answer.problem is not None
    assert "inside.example is 127.0.0.2" in answer.problem.found
    assert [path for path, _ in site.asked] == ["/0"]


def test_a_host_with_one_private_address_among_public_ones_is_refused(site: Site) -> None:
    web = Web("", lookup=lambda host, port: ["93.184.215.14", "127.0.0.1"])
    answer = web.get(f"http://two.example:{site.port}/", state=None, now=NOW)
    assert answer.problem is not None
    assert "two.example is 127.0.0.1" in answer.problem.found


def test_a_name_is_looked_up_once_and_the_checked_address_is_connected_to(site: Site) -> None:
    site.pages["/feed"] = page(FEED)
    looked_up = []

    def rebinding(host: str, port: int) -> list[str]:
        looked_up.append(host)
        return ["127.0.0.1"] if len(looked_up) == 1 else ["127.0.0.9"]

    web = Web("", allow_private=True, lookup=rebinding)
    assert web.get(f"http://news.example:{site.port}/feed", state=None, now=NOW).data == FEED
    assert looked_up == ["news.example"]
    assert site.asked[0][1]["host"] == f"news.example:{site.port}"


def test_the_next_address_is_tried_if_one_does_not_answer(site: Site) -> None:
    site.pages["/feed"] = page(FEED)
    web = Web("", allow_private=True, lookup=lambda host, port: ["127.0.0.7", "127.0.0.1"])
    assert web.get(f"http://news.example:{site.port}/feed", state=None, now=NOW).data == FEED


def test_proxies_of_the_environment_are_not_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    site.pages["/feed"] = page(FEED)
    assert WEB.get(f"{site.root}/feed", state=None, now=NOW).data == FEED


@given(st.ip_addresses(v=4))
def test_an_address_is_private_in_every_form(address: IPv4Address) -> None:
    dresses = [f"::ffff:{address}", f"64:ff9b::{address}", str(IPv6Address((0x2002 << 112) | (int(address) << 80)))]
    assert not any(map(is_public, dresses))
    if address.is_private or address.is_multicast:
        assert not is_public(str(address))


@pytest.mark.parametrize("address", ["93.184.215.14", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001::1"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


# --- TLS -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for localhost, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    start = datetime.now(UTC) - timedelta(days=1)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def secure_site(certificate: Path) -> Iterator[Site]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    site = Site(tls)
    site.pages["/feed"] = page(FEED)
    yield site
    site.close()


def test_a_certificate_nobody_trusts_is_refused(secure_site: Site) -> None:
    answer = WEB.get(f"{secure_site.root}/feed", state=None, now=NOW)
    assert answer.problem is not None
    assert answer.problem.found == "cannot be fetched: its certificate cannot be trusted"


def test_tls_verifies_the_name_although_the_connection_goes_to_an_address(secure_site: Site, certificate: Path) -> None:
    trusting = Web(
        "",
        allow_private=True,
        lookup=lambda host, port: ["127.0.0.1"],
        tls=ssl.create_default_context(cafile=str(certificate)),
    )
    assert trusting.get(f"{secure_site.root}/feed", state=None, now=NOW).data == FEED
    answer = trusting.get(f"https://other.example:{secure_site.port}/feed", state=None, now=NOW)
    assert answer.problem is not None
    assert "certificate" in answer.problem.found
