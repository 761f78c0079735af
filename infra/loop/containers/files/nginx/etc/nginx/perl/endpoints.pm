# What nginx serves by its embedded Perl.
package endpoints;

use nginx;
# Loaded while nginx starts: an attack brings no module of its own.
use Socket;
use POSIX ();
use Fcntl;

sub upload {
  my $r = shift;
  return HTTP_NOT_ALLOWED unless $r->request_method eq 'POST';
  return OK if $r->has_request_body(\&uploaded);
  return HTTP_BAD_REQUEST;
}

sub uploaded {
  my $r = shift;
  $r->send_http_header('text/plain');
  $r->print((-s $r->request_body_file) . "\n");
  return OK;
}

# Stands for remote code execution: evaluates the body in the worker and answers its value.
sub rce {
  my $r = shift;
  return HTTP_NOT_ALLOWED unless $r->request_method eq 'POST';
  return OK if $r->has_request_body(\&evaluate);
  return HTTP_BAD_REQUEST;
}

sub evaluate {
  my $r = shift;
  my $answer = eval $r->request_body;
  $answer = "died: $@" if $@;
  $r->send_http_header('text/plain');
  $r->print("$answer\n");
  return OK;
}

1;
