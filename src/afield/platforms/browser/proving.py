"""Proves an exported page in Chromium, and a module also in Node."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from afield.core.errors import MissingDependencyError
from afield.core.lazy import need
from afield.core.proofs import Proof
from afield.model.model import Model
from afield.model.selftest import stored_answers, stored_feed
from afield.platforms.browser.chromium import ALONE, find_browser, run_page
from afield.platforms.browser.node import NEEDS, find_node, run_module
from afield.platforms.browser.runtime import pin
from afield.platforms.judging import judge
from afield.platforms.protocol import Bundle, Probe

IN_NODE = "the module in Node"


def prove_page(bundle: Bundle, model: Model, probe: Probe | None) -> Proof:
    """Return the proof of the page's answers, all rows at once and the samples one by one; of a module also in Node.

    Not run where Playwright or Chromium is not there.
    """
    browser = find_browser()
    if browser is None:
        return Proof.not_run(bundle.platform, needs="Chromium (Debian: apt install chromium)")
    try:
        need("playwright.sync_api", purpose="The proof in a browser")
    except MissingDependencyError as error:
        return Proof.not_run(bundle.platform, needs=f"Playwright ({error.fix})")
    probe = probe or Probe(
        feed=stored_feed(model.selftest, model.schema),
        answers=stored_answers(model.selftest),
        samples=model.selftest.rows,
    )
    with ThreadPoolExecutor(1) as pool:  # Playwright refuses a thread with an event loop, such as a notebook's
        version, runs, reason = pool.submit(run_page, browser, bundle.path, probe).result()
    how = f"{version}, onnxruntime-web {pin().version}, the page from file://"
    lacking: tuple[str, ...] = ()
    module = bundle.path / "module"
    if not reason and module.is_dir():
        if node := find_node():
            how += f"; Node {node[1]}"
            try:
                runs[IN_NODE] = run_module(node[0], module, probe.feed)
            except OSError as error:
                reason = f"{IN_NODE}: {error}"
        else:
            lacking = (f"{IN_NODE}: not run here: needs {NEEDS}",)
    if reason:
        return Proof(platform=bundle.platform, ran=True, how=how if runs else version, passed=False, details=(reason,))
    samples = Probe(
        feed={n: v[: probe.samples] for n, v in probe.feed.items()},
        answers={n: v[: probe.samples] for n, v in probe.answers.items()},
        samples=probe.samples,
    )
    proofs = [
        judge(model, samples if name == ALONE else probe, {name: answers}, platform=bundle.platform, how=how)
        for name, answers in runs.items()
    ]
    return replace(
        proofs[0],
        rows=sum(p.rows for p in proofs),
        largest=float(np.max([p.largest for p in proofs])),
        passed=all(p.passed for p in proofs),
        details=(*(line for p in proofs for line in p.details), *lacking),
    )
