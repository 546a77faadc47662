"""Files of a map to keep."""

from concurrent.futures import ThreadPoolExecutor

from starlette.testclient import TestClient


def test_files_of_one_map_that_are_asked_for_together_are_all_given(client: TestClient, base: str) -> None:
    key = client.get(f"{base}/taxa").json()[0]["key"]
    endings = ("tif", "html", "tif", "gpkg")
    with ThreadPoolExecutor(len(endings)) as pool:
        answers = list(pool.map(lambda ending: client.get(f"{base}/maps/{key}/download.{ending}"), endings))
    assert [answer.status_code for answer in answers] == [200] * len(endings), [answer.text[:300] for answer in answers]
    assert answers[0].content == answers[2].content and answers[0].content[:4] in (b"II*\0", b"II+\0")
