"""Numbers as the pages of a comparison print them, and what they say of the method."""

import math

from evaluation.comparison.bootstrap import Estimate

METHOD = (
    "Right is an answer that is the true class, or a child of it where the truth names a pooled class."
    " Where a set names a pooled class and none of its children, the probabilities of the children are"
    " added up first. The answer is the most probable class; nothing is left unidentified.",
    "Accuracy, recall and precision: exact binomial intervals (Clopper & Pearson 1934, doi"
    " 10.1093/biomet/26.4.404), every image taken as independent. Balanced accuracy (mean recall) and F1:"
    " percentile bootstrap (Efron 1979, doi 10.1214/aos/1176344552) that draws whole smears or patients where"
    " the set names them (Field & Welsh 2007, doi 10.1111/j.1467-9868.2007.00593.x), images where it"
    " does not.",
    "Pairs: exact McNemar test (1947, doi 10.1007/BF02295996) on the images that one classifier alone answers"
    " rightly; Holm's correction (1979, https://www.jstor.org/stable/4615733) over all pairs of a set,"
    " and over all pairs and classes. Beyond chance is an adjusted p below 0.05. The test takes images"
    " as independent; the interval of the lead draws groups and does not.",
    "Calibration: expected calibration error over 15 bins of equal width (Guo et al. 2017, arXiv 1706.04599);"
    " by chance is the 95th percentile of what a perfectly calibrated classifier would show on as many images"
    " (Bröcker & Smith 2007, doi 10.1175/WAF993.1).",
    "Formulas: Passing–Bablok regression (1983, doi 10.1515/cclm.1983.21.11.709) of shares by answers on"
    " shares by truth, Pearson's r, Bland–Altman limits (1986, doi 10.1016/S0140-6736(86)90837-8)."
    " No line is drawn where truth and answers do not rank the groups alike beyond chance (Kendall's rank"
    " correlation). Accepted is a slope of 0.8 to 1.2 with an intercept within 0.2 of the mean share, after"
    " the clearance of a digital cell morphology system (FDA 510(k) K200595, slope 0.8–1.2, intercept ±0.2).",
    "Maps: occlusion (Zeiler & Fergus 2014, doi 10.1007/978-3-319-10590-1_53); for networks of the registry"
    " also Grad-CAM (Selvaraju et al. 2017, doi 10.1109/ICCV.2017.74) and integrated gradients (Sundararajan"
    " et al. 2017, arXiv 1703.01365) from the empty slide. Reasons of the feature classifier: integrated"
    " gradients.",
)
"""What the pages say of the method, with sources."""


def number(value: float | None, decimals: int) -> str:
    """Return a number with so many decimals; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", "−")  # no −0.0


def estimate(value: Estimate, decimals: int = 3) -> str:
    """Return a figure with its interval: ``0.843 (0.789–0.887)``; a dash where it is not defined."""
    if not math.isfinite(value.value):
        return "–"
    if not (math.isfinite(value.low) and math.isfinite(value.high)):
        return number(value.value, decimals)
    ends = f"{number(value.low, decimals)} to {number(value.high, decimals)}"
    if value.low >= 0:
        ends = f"{value.low:.{decimals}f}–{value.high:.{decimals}f}"
    return f"{number(value.value, decimals)} ({ends})"
