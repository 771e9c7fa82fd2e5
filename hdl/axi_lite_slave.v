// SPDX-License-Identifier: Apache-2.0
// AXI4-Lite to one request at a time.
//
// Each channel is taken into a register of its own, so ready is a register's inverse and no path leads from a valid to a
// ready. Address and data of a write may come in any order. A request is held until it is acknowledged; read and write
// take turns where both wait. AxPROT is not looked at.
//
// AddressWidth  bits of a byte address; the lowest two are not looked at
// Latency       a request appears one cycle after its last channel was taken; the response one after the acknowledge

`default_nettype none

module axi_lite_slave #(
  parameter AddressWidth = 12
) (
  input  wire                    clk_i,
  input  wire                    rst_ni,
  // AXI4-Lite.
  input  wire                    awvalid_i,
  output wire                    awready_o,
  input  wire [AddressWidth-1:0] awaddr_i,
  input  wire                    wvalid_i,
  output wire                    wready_o,
  input  wire [31:0]             wdata_i,
  input  wire [3:0]              wstrb_i,
  output wire                    bvalid_o,
  input  wire                    bready_i,
  output wire [1:0]              bresp_o,
  input  wire                    arvalid_i,
  output wire                    arready_o,
  input  wire [AddressWidth-1:0] araddr_i,
  output wire                    rvalid_o,
  input  wire                    rready_i,
  output wire [31:0]             rdata_o,
  output wire [1:0]              rresp_o,
  // Request.
  output wire                    request_o,
  output wire                    write_o,
  output wire [AddressWidth-1:0] address_o,
  output wire [31:0]             data_o,
  output wire [3:0]              strobe_o,
  input  wire                    acknowledge_i,
  input  wire [31:0]             data_i,
  input  wire [1:0]              response_i
);

  reg open_q;                    // out of reset
  reg aw_q, w_q, ar_q;           // taken, and not answered yet
  reg b_q, r_q;                  // an answer waits
  reg request_q, write_q;        // under way
  reg last_write_q;
  reg [AddressWidth-1:0] aw_address_q, ar_address_q;
  reg [31:0] w_data_q, r_data_q;
  reg [3:0] w_strobe_q;
  reg [1:0] b_response_q, r_response_q;

  assign awready_o = open_q && !aw_q;
  assign wready_o = open_q && !w_q;
  assign arready_o = open_q && !ar_q;
  assign bvalid_o = b_q;
  assign bresp_o = b_response_q;
  assign rvalid_o = r_q;
  assign rdata_o = r_data_q;
  assign rresp_o = r_response_q;

  assign request_o = request_q;
  assign write_o = write_q;
  assign address_o = write_q ? aw_address_q : ar_address_q;
  assign data_o = w_data_q;
  assign strobe_o = w_strobe_q;

  wire can_write = aw_q && w_q && !b_q;
  wire can_read = ar_q && !r_q;

  always @(posedge clk_i) begin
    open_q <= rst_ni;
    if (!rst_ni) begin
      aw_q <= 1'b0;
      w_q <= 1'b0;
      ar_q <= 1'b0;
      b_q <= 1'b0;
      r_q <= 1'b0;
      request_q <= 1'b0;
      write_q <= 1'b0;
      last_write_q <= 1'b0;
    end else begin
      if (awvalid_i && awready_o) aw_q <= 1'b1;
      if (wvalid_i && wready_o) w_q <= 1'b1;
      if (arvalid_i && arready_o) ar_q <= 1'b1;
      if (bready_i) b_q <= 1'b0;
      if (rready_i) r_q <= 1'b0;
      if (!request_q) begin
        request_q <= can_write || can_read;
        write_q <= can_write && !(can_read && last_write_q);
      end else if (acknowledge_i) begin
        request_q <= 1'b0;
        last_write_q <= write_q;
        if (write_q) begin
          aw_q <= 1'b0;
          w_q <= 1'b0;
          b_q <= 1'b1;
        end else begin
          ar_q <= 1'b0;
          r_q <= 1'b1;
        end
      end
    end
    if (awvalid_i && awready_o) aw_address_q <= awaddr_i;
    if (wvalid_i && wready_o) begin
      w_data_q <= wdata_i;
      w_strobe_q <= wstrb_i;
    end
    if (arvalid_i && arready_o) ar_address_q <= araddr_i;
    if (request_q && acknowledge_i && write_q) b_response_q <= response_i;
    if (request_q && acknowledge_i && !write_q) begin
      r_data_q <= data_i;
      r_response_q <= response_i;
    end
  end

endmodule

`default_nettype wire
