from rnnkit.report.markup import Markup
from rnnkit.report.samples import Sample, samples_section

EVIL = "<script>alert('1')</script>"


def test_samples_keep_their_lines_and_are_escaped(strict):
    html = samples_section(
        Markup("en"), [Sample(1, "\n\n  a\x00" + EVIL, EVIL, 1.5), Sample(12, "b")]
    )
    page = strict(html)
    assert "<script" not in html
    assert f"{EVIL}\n\n  a␀{EVIL}" in "".join(page.text)
    assert "epoch 1 · validation loss 1.500" in page.text
    assert "epoch 12" in page.text
    assert "Bold" in html
    assert html.count("<b>") == 1


def test_without_a_prompt_nothing_is_bold():
    assert "<b>" not in samples_section(Markup("en"), [Sample(0, "b")])
    assert "Bold" not in samples_section(Markup("en"), [Sample(0, "b")])


def test_of_many_samples_some_are_shown_the_first_and_the_last_among_them():
    html = samples_section(Markup("en"), [Sample(k, f"text {k}.") for k in range(1, 41)])
    assert html.count('class="sample"') == 8
    assert "text 1." in html
    assert "text 40." in html
    assert "Shown: 8 of 40 samples." in html
    few = samples_section(Markup("ko"), [Sample(k, f"text {k}.") for k in range(1, 9)])
    assert few.count('class="sample"') == 8
    assert "8개만" not in few
    assert "에폭별 생성 예시" in few


def test_no_samples_are_an_empty_section():
    assert samples_section(Markup("en"), []) == ""
