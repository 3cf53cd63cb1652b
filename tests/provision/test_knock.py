import socket
import threading

from moa_code.provision.knock import Reach, engine_env, knock


def test_knocking_where_nothing_listens_says_absent(tmp_path):
    assert knock({"DOCKER_HOST": f"unix://{tmp_path}/none.sock"}).reach is Reach.ABSENT


def test_knocking_at_something_that_is_no_engine_says_broken(tmp_path):
    path = str(tmp_path / "d.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(path)
        server.listen(8)
        server.settimeout(0.1)
        done = threading.Event()

        def hang_up():
            while not done.is_set():
                try:
                    server.accept()[0].close()
                except TimeoutError:
                    continue

        thread = threading.Thread(target=hang_up)
        thread.start()
        try:
            found = knock({"DOCKER_HOST": f"unix://{path}"})
        finally:
            done.set()
            thread.join()
    assert found.reach is Reach.BROKEN
    assert found.detail


def test_docker_host_wins_over_everything(tmp_path):
    env = {"DOCKER_HOST": "tcp://build:2375", "XDG_RUNTIME_DIR": str(tmp_path)}
    assert engine_env(env)["DOCKER_HOST"] == "tcp://build:2375"
