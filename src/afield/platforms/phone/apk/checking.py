"""What can be known of an app without a phone: signature, manifest, alignment, and what is packed inside."""

from __future__ import annotations

import base64
import gzip
import re
import zipfile
from pathlib import Path

from afield.model.model import Model
from afield.platforms.phone.apk.building import MIN_SDK, PAGE, TARGET_SDK, permissions_of
from afield.platforms.phone.apk.programs import run

_MODEL = re.compile(rb'<script type="text/plain" id="model">([A-Za-z0-9+/=]+)</script>')
Check = tuple[bool, str]


def check_apk(path: Path, model: Model) -> list[Check]:
    """Return what was checked: whether it holds, and what was found."""
    return [_signature(path), _alignment(path), *_manifest(path, model), *_assets(path, model)]


def packed_page(path: Path) -> bytes:
    """Return the page as it is packed."""
    with zipfile.ZipFile(path) as archive:
        return archive.read(PAGE)


def _signature(path: Path) -> Check:
    status, text = run("apksigner", "verify", "--verbose", "--print-certs", str(path))
    schemes = re.findall(r"Verified using (v\d)\S* scheme.*: true", text)
    digest = re.search(r"SHA-256 digest: ([0-9a-f]{64})", text)
    if not status and "v2" in schemes and digest:
        return True, f"signature verified ({', '.join(schemes)}), certificate SHA-256 {digest[1]}"
    return False, f"signature: {' '.join(text.split())[-300:]}"


def _alignment(path: Path) -> Check:
    status, text = run("zipalign", "-c", "-p", "4", str(path))
    return not status, "aligned" if not status else f"alignment: {' '.join(text.split())[-300:]}"


def _manifest(path: Path, model: Model) -> list[Check]:
    status, text = run("aapt", "dump", "badging", str(path))
    if status:
        return [(False, f"manifest: {' '.join(text.split())[-300:]}")]
    facts = dict(re.findall(r"^(sdkVersion|targetSdkVersion):'(\d+)'", text, re.MULTILINE))
    app_id = re.search(r"^package: name='([^']+)'", text, re.MULTILINE)
    asked = sorted(re.findall(r"^uses-permission: name='android\.permission\.(\w+)'", text, re.MULTILINE))
    starts = "launchable-activity: name='afield.phone.MainActivity'" in text
    sdks = facts == {"sdkVersion": str(MIN_SDK), "targetSdkVersion": str(TARGET_SDK)}
    wanted = sorted(permissions_of(model))
    return [
        (
            bool(app_id) and starts and sdks,
            f"manifest: {app_id[1] if app_id else 'no id'}, {'starts' if starts else 'does not start'} a screen, "
            f"runs from Android API {facts.get('sdkVersion')}, made for {facts.get('targetSdkVersion')}",
        ),
        (asked == wanted, f"permissions: {', '.join(asked) or 'none, not even the network'}"),
    ]


def _assets(path: Path, model: Model) -> list[Check]:
    found = _MODEL.search(packed_page(path))
    same = found is not None and gzip.decompress(base64.b64decode(found[1])) == model.bytes
    return [(same, "the model in the packed page is model.onnx, byte for byte" if same else "another model is packed")]
