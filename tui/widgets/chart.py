"""Candles and volume drawn with characters: pure lines, one column a candle, prices at the right."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from core.tape import Candle
from tui.format import decimal, fit_number, utc
from tui.widgets.lines import Line, Span, Tone

_AXIS: Final = 11
_BLOCKS: Final = " ▁▂▃▄▅▆▇█"
_VOLUME_ROWS: Final = 3
_LEAST_ROWS: Final = 8


def chart(candles: Sequence[Candle], width: int, height: int, decimals: int) -> list[Line]:
    """Candles above, volume below, the span of time at the foot; one sentence where there is no room or no candle."""
    columns = width - _AXIS
    if columns < 1 or height < _LEAST_ROWS:
        return [(Span(" no room for candles", Tone.DIM),)]
    shown = candles[-columns:]
    if not shown:
        return [(Span(" no candle yet", Tone.DIM),)]
    rows = height - _VOLUME_ROWS - 1
    top = max(candle.high for candle in shown)
    low = min(candle.low for candle in shown)
    blank = Span(" " * (columns - len(shown)))
    lines: list[Line] = [(blank, *_price_row(shown, row, rows, top, low, decimals)) for row in range(rows)]
    most = max(candle.volume for candle in shown)
    lines += [(blank, *_volume_row(shown, row, most)) for row in range(_VOLUME_ROWS)]
    first, last = utc(shown[0].start_us), utc(shown[-1].start_us)
    span = f"{first} to {last} UTC · 1m candles: {len(shown)} · volume in base units"
    return [*lines, (Span(span[:width], Tone.DIM),)]


def _price_row(candles: Sequence[Candle], row: int, rows: int, top: Decimal, low: Decimal, decimals: int) -> Line:
    step = (top - low) / rows
    upper, lower = top - step * row, top - step * (row + 1)
    spans: list[Span] = []
    for candle in candles:
        high_end, low_end = max(candle.open, candle.close), min(candle.open, candle.close)
        tone = Tone.GAIN if candle.close >= candle.open else Tone.LOSS
        if high_end >= lower and low_end <= upper:
            spans.append(Span("█" if candle.close >= candle.open else "▒", tone))
        elif candle.high >= lower and candle.low <= upper:
            spans.append(Span("│", tone))
        else:
            spans.append(Span(" "))
    label = decimal((upper + lower) / 2, decimals) if row % 4 == 0 else ""
    return (*_joined(spans), Span(fit_number(label, _AXIS), Tone.DIM))


def _volume_row(candles: Sequence[Candle], row: int, most: Decimal) -> Line:
    spans = []
    for candle in candles:
        eighths = int(candle.volume * _VOLUME_ROWS * 8 / most) if most else 0
        here = max(0, min(8, eighths - (_VOLUME_ROWS - 1 - row) * 8))
        spans.append(Span(_BLOCKS[here], Tone.GAIN if candle.close >= candle.open else Tone.LOSS))
    return tuple(_joined(spans))


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Neighbours of one tone as one span: fewer bytes for the terminal."""
    joined: list[Span] = []
    for span in spans:
        if joined and joined[-1].tone is span.tone:
            joined[-1] = Span(joined[-1].text + span.text, span.tone)
        else:
            joined.append(span)
    return joined
