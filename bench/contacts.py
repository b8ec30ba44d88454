"""Contacts of a node under load, for bench/run.py: a number of endpoints of 127.0.0.0/8, each with
its own id, which the node files because they answer its pings. They keep answering until SIGTERM,
also between the steps of a load: a node names no contact that has stopped answering, so the
contacts of one `xord load` run appear in no answer once that run has ended.

    bench/contacts.py 127.0.0.1:8468 1000
"""

import os
import select
import socket
import sys

FIRST_ADDRESS = (127 << 24) + (100 << 16)  # One /24 each: no subnet exceeds its share.


def make_contacts(count):
    contacts = {}
    for number in range(count):
        contact = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        contact.bind((socket.inet_ntoa((FIRST_ADDRESS + (number << 8) + 1).to_bytes(4, "big")), 0))
        contacts[contact.fileno()] = (contact, os.urandom(20))
    return contacts


def reply_to(request, contact_id):
    """A pong, or for any other request the empty list, as from a node that knows no contacts."""
    head = b"\1" + request[1:21]
    return head + (b"\xc4\x14" + contact_id if b"\xa4ping" in request[:30] else b"\x90")


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    node = (host, int(port))
    contacts = make_contacts(int(sys.argv[2]))
    poll = select.epoll()
    for contact, contact_id in contacts.values():
        poll.register(contact, select.EPOLLIN)
        question = b"\x92\xa9find_node\x92\xc4\x14" + contact_id + b"\xc4\x14" + contact_id
        contact.sendto(b"\0" + os.urandom(20) + question, node)
    waiting = set(contacts)
    while True:
        for descriptor, _ in poll.poll():
            contact, contact_id = contacts[descriptor]
            datagram, source = contact.recvfrom(65536)
            if datagram[:1] == b"\0":
                contact.sendto(reply_to(datagram, contact_id), source)
            elif descriptor in waiting:  # The node answered, so it has our pong.
                waiting.discard(descriptor)
                if not waiting:
                    print(f"ready {len(contacts)}", flush=True)


if __name__ == "__main__":
    main()
